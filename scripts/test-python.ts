/**
 * `npm run test:python`: builds the Python SDK, installs the wheel as users do, and runs the checks and tests. If the arguments
 * name a test file, only that file runs, on the sources.
 */
import { spawnSync } from 'node:child_process'
import { globSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ensurePython, run } from './python-env.ts'

const root = join(import.meta.dirname, '..')
const sdk = join(root, 'packages', 'sdk-python')
const python = ensurePython({
  name: 'python',
  requirements: join(sdk, 'requirements-dev.txt'),
  seesSystem: true,
})

const args = process.argv.slice(2)
if (args.some((arg) => /\.py(::|$)/.test(arg))) {
  const paths = args.map((arg) => (/\.py(::|$)/.test(arg) ? resolve(arg) : arg))
  process.exit(pytest(paths, { PYTHONPATH: join(sdk, 'src') }))
}

rmSync(join(sdk, 'dist'), { recursive: true, force: true })
// the wheel is built from the sdist, so this checks both
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

const others = globSync(['examples/*.py', 'bench/sdk/*.py', 'packages/server-python/**/*.py'], {
  cwd: root,
}).map((file) => join(root, file))
run(python, ['-m', 'ruff', 'check', '.', ...others], sdk)
run(python, ['-m', 'ruff', 'format', '--check', '.', ...others], sdk)
run(python, ['-m', 'mypy'], sdk)
process.exitCode = pytest(args)

function pytest(args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
  const options = { cwd: sdk, stdio: 'inherit', env: { ...process.env, ...env } } as const
  return spawnSync(python, ['-m', 'pytest', ...args], options).status ?? 1
}
