import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './debian.ts'

const root = join(import.meta.dirname, '..')
const DEBIAN_PACKAGES = ['python3-torch', 'python3-numpy', 'python3-venv']
const NEEDED_MODULES = ['torch', 'numpy', 'venv', 'ensurepip']

/** A Python environment of the checkout: its folder under `.venv/`, and a pip requirements file that it satisfies. */
export interface PythonEnvironment {
  readonly name: string
  readonly requirements: string
  /** Whether the packages of the Python it is made from are visible in it. */
  readonly seesSystem: boolean
  /** Free bytes that making it takes, downloads included. */
  readonly diskBytes?: number
  /** Milliseconds that its packages may take to install. */
  readonly timeoutMs?: number
}

/**
 * The interpreter of an environment, which is made, or brought up to date, where it has to be. Throws when it cannot be,
 * and leaves nothing of it then.
 */
export function ensurePython({
  name,
  requirements,
  seesSystem,
  diskBytes = 0,
  timeoutMs,
}: PythonEnvironment): string {
  const folder = join(root, '.venv', name)
  const python = join(folder, 'bin', 'python')
  const stamp = join(folder, 'requirements.sha256')
  const wanted = createHash('sha256').update(readFileSync(requirements)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return python
  const { bavail, bsize } = statfsSync(root)
  if (bavail * bsize < diskBytes) {
    throw new Error(
      `it takes ${diskBytes / 1e9} GB of disk, and ${Math.floor((bavail * bsize) / 1e9)} GB are free`,
    )
  }
  const base = process.env['NORMWATCH_PYTHON'] ?? '/usr/bin/python3'
  ensureModules(base, seesSystem ? NEEDED_MODULES : ['venv', 'ensurepip'])
  run(base, ['-m', 'venv', ...(seesSystem ? ['--system-site-packages'] : []), folder])
  const install = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '-r', requirements]
  try {
    execFileSync(python, install, { cwd: root, stdio: 'inherit', timeout: timeoutMs })
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  writeFileSync(stamp, wanted)
  return python
}

/** Runs a program and shows what it says. Throws when it fails. */
export function run(
  program: string,
  args: readonly string[],
  cwd = root,
  env: Readonly<Record<string, string>> = {},
): void {
  execFileSync(program, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
}

function ensureModules(python: string, modules: readonly string[]): void {
  if (hasModules(python, modules)) return
  if (process.env['NORMWATCH_PYTHON'] !== undefined || !installPackages(DEBIAN_PACKAGES)) {
    throw new Error(
      `The Python tests need ${python} with ${modules.join(', ')} (Debian: ${DEBIAN_PACKAGES.join(' ')}). ` +
        'Install them, or name another Python in NORMWATCH_PYTHON.',
    )
  }
  if (!hasModules(python, modules))
    throw new Error(`${DEBIAN_PACKAGES.join(' ')} are installed, and ${python} lacks them.`)
}

function hasModules(python: string, modules: readonly string[]): boolean {
  return spawnSync(python, ['-c', modules.map((name) => `import ${name}`).join('\n')]).status === 0
}
