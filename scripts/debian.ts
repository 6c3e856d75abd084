import { spawnSync } from 'node:child_process'

/** How long to wait for another running installation, in seconds. */
const LOCK_TIMEOUT = 300

/** Installs Debian packages. Returns false if this user is not allowed to, if there is no apt-get, or if it fails. */
export function installPackages(names: readonly string[]): boolean {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).status !== 0) return false
  const options = { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const
  const patient = ['-q', '-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT}`]
  spawnSync('apt-get', [...patient, 'update'], options)
  const install = [...patient, 'install', '-y', '--no-install-recommends', ...names]
  return spawnSync('apt-get', install, options).status === 0
}
