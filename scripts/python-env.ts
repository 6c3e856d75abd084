import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from './debian.ts'

const root = join(import.meta.dirname, '..')
const DEBIAN_PACKAGES = ['python3-torch', 'python3-numpy', 'python3-venv']
const NEEDED_MODULES = ['torch', 'numpy', 'venv', 'ensurepip']

/** A Python environment of the checkout: the name of its folder under `.venv/`, and its pip requirements file. */
export interface PythonEnvironment {
  readonly name: string
  readonly requirements: string
  /** Whether packages of the system's Python are visible in it. */
  readonly seesSystem: boolean
  /** Free disk space needed to create it, including downloads, in bytes. */
  readonly diskBytes?: number
  /** Time-out to install its packages, in milliseconds. */
  readonly timeoutMs?: number
}

/**
 * The Python interpreter of an environment. Creates or updates the environment if needed. If that fails, removes it and
 * throws.
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

/** Runs a program and shows its output. Throws if it fails. */
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
