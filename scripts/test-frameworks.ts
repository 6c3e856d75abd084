/**
 * `npm run test:frameworks [-- --if-installable] [-- pytest's arguments]`: tiny trainings with the real Trainer, Lightning,
 * Keras, optax and a current PyTorch. These packages take gigabytes. With `--if-installable`, if they cannot be installed
 * within a quarter of an hour, a line says so, and that is not a failure.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  const [deepspeed, megatron] = tryInstalls(python)
  const shared = ['clipping', 'log', 'parts', 'events', 'conveniences', 'config'].map(
    (name) => `tests/test_${name}.py`,
  )
  const tests = ['frameworks', ...shared, ...pytestArguments]
  const env = { ...process.env, DEEPSPEED_FOLDER: deepspeed, MEGATRON_FOLDER: megatron }
  const { status } = spawnSync(python, ['-m', 'pytest', ...tests], { cwd: sdk, stdio: 'inherit', env })
  process.exitCode = status ?? 1
}

/**
 * Installs packages that cannot be built on every machine. If one cannot be installed, its tests are skipped, and a line says
 * so. DeepSpeed and Megatron go into their own folders, which are returned, because other frameworks behave differently if
 * they find them.
 */
function tryInstalls(python: string): [deepspeed: string, megatron: string] {
  const folder = join(dirname(dirname(python)), 'deepspeed')
  const megatron = join(dirname(dirname(python)), 'megatron')
  const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check']
  const deepspeed = ['deepspeed==0.19.8', 'hjson==3.1.0', 'ninja==1.13.2', 'py-cpuinfo==9.0.0']
  const more = ['msgpack==1.2.4', 'einops==0.8.2']
  const attempts: [string, string[]][] = [['A notebook kernel', ['nbclient==0.11.0', 'ipykernel==7.4.0']]]
  if (!existsSync(folder)) {
    const options = ['--no-build-isolation', '--no-deps', '--target', folder]
    attempts.push(['DeepSpeed', [...options, ...deepspeed, ...more]])
  }
  if (!existsSync(megatron))
    attempts.push(['Megatron-Core', ['--no-deps', '--target', megatron, 'megatron-core==0.16.1']])
  for (const [what, packages] of attempts) {
    const { status } = spawnSync(python, [...pip, ...packages], { stdio: 'inherit', timeout: 3 * 60_000 })
    if (status !== 0) console.log(`${what} is not tested: it could not be installed here.`)
  }
  return [folder, megatron]
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
