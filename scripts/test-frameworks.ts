/** `npm run test:frameworks`: tiny trainings with the real Trainer, Lightning, Keras, optax and a current PyTorch. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensurePython, run } from './python-env.ts'

const sdk = join(import.meta.dirname, '..', 'packages', 'sdk-python')
const python = ensurePython({
  name: 'frameworks',
  requirements: join(sdk, 'requirements-frameworks.txt'),
  seesSystem: false,
})
run(python, [
  '-m',
  'pip',
  'install',
  '-q',
  '--disable-pip-version-check',
  '--force-reinstall',
  '--no-deps',
  sdk,
])
const tests = ['frameworks', 'tests/test_clipping.py', 'tests/test_log.py', ...process.argv.slice(2)]
const { status } = spawnSync(python, ['-m', 'pytest', ...tests], { cwd: sdk, stdio: 'inherit' })
process.exitCode = status ?? 1
