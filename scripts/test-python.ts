/** `npm run test:python`: the Python SDK as its users get it: built, installed from the wheel, checked and tested. */
import { spawnSync } from 'node:child_process'
import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePython, run } from './python-env.ts'

const root = join(import.meta.dirname, '..')
const sdk = join(root, 'packages', 'sdk-python')
const python = ensurePython({
  name: 'python',
  requirements: join(sdk, 'requirements-dev.txt'),
  seesSystem: true,
})

rmSync(join(sdk, 'dist'), { recursive: true, force: true })
// the wheel is built from the sdist, so both are tried
run(python, ['-m', 'build', '--no-isolation', sdk])
const wheel = globSync(join(sdk, 'dist', '*.whl'))
run(python, [
  '-m',
  'pip',
  'install',
  '-q',
  '--disable-pip-version-check',
  '--force-reinstall',
  '--no-deps',
  ...wheel,
])
run(python, ['-c', 'import normwatch; assert "site-packages" in normwatch.__file__, normwatch.__file__'])

const others = globSync(['examples/*.py', 'bench/sdk/*.py'], { cwd: root }).map((file) => join(root, file))
run(python, ['-m', 'ruff', 'check', '.', ...others], sdk)
run(python, ['-m', 'ruff', 'format', '--check', '.', ...others], sdk)
run(python, ['-m', 'mypy'], sdk)
const { status } = spawnSync(python, ['-m', 'pytest', ...process.argv.slice(2)], {
  cwd: sdk,
  stdio: 'inherit',
})
process.exitCode = status ?? 1
