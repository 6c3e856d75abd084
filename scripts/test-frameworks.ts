/**
 * `npm run test:frameworks [-- --if-installable] [-- pytest's arguments]`: tiny trainings with the real Trainer, Lightning,
 * Keras, optax and a current PyTorch. They are gigabytes: with `--if-installable`, where they cannot be installed within
 * a quarter of an hour, that is said in a line and is no failure.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensurePython, run } from './python-env.ts'

const sdk = join(import.meta.dirname, '..', 'packages', 'sdk-python')
const IF_INSTALLABLE = '--if-installable'
const pytestArguments = process.argv.slice(2).filter((argument) => argument !== IF_INSTALLABLE)

const python = prepare()
if (python !== undefined) {
  const install = [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    '--force-reinstall',
    '--no-deps',
  ]
  run(python, [...install, sdk])
  const shared = ['clipping', 'log', 'parts', 'events', 'conveniences'].map((name) => `tests/test_${name}.py`)
  const tests = ['frameworks', ...shared, ...pytestArguments]
  const { status } = spawnSync(python, ['-m', 'pytest', ...tests], { cwd: sdk, stdio: 'inherit' })
  process.exitCode = status ?? 1
}

function prepare(): string | undefined {
  try {
    return ensurePython({
      name: 'frameworks',
      requirements: join(sdk, 'requirements-frameworks.txt'),
      seesSystem: false,
      diskBytes: 15e9,
      timeoutMs: 15 * 60_000,
    })
  } catch (error) {
    if (!process.argv.includes(IF_INSTALLABLE)) throw error
    const [reason] = String(error).split('\n')
    console.log(`The frameworks are not tested: they could not be installed here (${reason}).`)
    return undefined
  }
}
