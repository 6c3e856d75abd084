/**
 * A PostgreSQL server for tests and benches: its own cluster in a temporary folder, reached by a socket in that folder. If
 * this process is root, it runs as the user that Debian's package creates, since PostgreSQL refuses root.
 */
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { installPackages } from './debian.ts'

const OLDEST_VERSION = 15
const START_TIMEOUT_MS = 60_000

export interface Cluster {
  /** The folder of its programs. */
  readonly bin: string
  /** The address of one of its databases. */
  url(database: string): string
  stop(): Promise<void>
}

/** The folder of PostgreSQL's programs. Installs the Debian package if it is missing and this user is allowed to. */
export function ensurePostgres(): string {
  const found = findPostgres()
  if (found !== undefined) return found
  const installed = installPackages(['postgresql']) ? findPostgres() : undefined
  if (installed !== undefined) return installed
  throw new Error(`Install PostgreSQL ${OLDEST_VERSION} or newer, such as Debian's package postgresql.`)
}

function findPostgres(): string | undefined {
  const packaged = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => versionIn(b) - versionIn(a))
  const folders = [...packaged, ...(process.env['PATH'] ?? '').split(delimiter)]
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

const versionIn = (path: string): number => Number(/\d+/.exec(path)?.[0])

/** Starts a cluster with these settings in addition to PostgreSQL's defaults. */
export async function startPostgres(settings: Readonly<Record<string, string>> = {}): Promise<Cluster> {
  const bin = ensurePostgres()
  const folder = mkdtempSync(join(tmpdir(), 'nwpg-'))
  const user = process.getuid?.() === 0 ? userOf('postgres') : undefined
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  const as = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C' } }
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'normwatch', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    {
      ...as,
      stdio: 'ignore',
    },
  )
  const options = Object.entries({ listen_addresses: '', unix_socket_directories: folder, ...settings })
  const server = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    { ...as, stdio: 'ignore' },
  )
  await untilReady(bin, folder, server)
  return {
    bin,
    url: (database) => `postgres://normwatch@/${database}?host=${encodeURIComponent(folder)}`,
    async stop() {
      await ended(server)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(bin: string, folder: string, server: ChildProcess): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS
  while (spawnSync(join(bin, 'pg_isready'), ['-q', '-h', folder]).status !== 0) {
    if (server.exitCode !== null || performance.now() > end) throw new Error('PostgreSQL did not start.')
    await pause(50)
  }
}

/** PostgreSQL's "fast" shutdown, which closes connections. */
function ended(server: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) resolve()
    server.once('exit', () => resolve())
    server.kill('SIGINT')
  })
}

function userOf(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
