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
  /** The address of one of its databases: by TCP where the settings name a port, else by a socket. */
  url(database: string): string
  /** Ends it as the death of its machine does; its data stay. */
  kill(): Promise<void>
  /** Starts it again. */
  start(): Promise<void>
  /** Another cluster that replicates this one. */
  startStandby(settings: Settings): Promise<Cluster>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

export type Settings = Readonly<Record<string, string>>

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
export function startPostgres(settings: Settings = {}): Promise<Cluster> {
  return startCluster(settings, 'initdb', ['-U', 'normwatch', '-A', 'trust', '-E', 'UTF8', '--no-sync'])
}

/** Makes the cluster's data with this program, and starts it. */
async function startCluster(settings: Settings, maker: string, flags: readonly string[]): Promise<Cluster> {
  const bin = ensurePostgres()
  const folder = mkdtempSync(join(tmpdir(), 'nwpg-'))
  const user = process.getuid?.() === 0 ? userOf('postgres') : undefined
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  const as = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C' }, stdio: 'ignore' as const }
  execFileSync(join(bin, maker), ['-D', data, ...flags], as)
  const port = settings['port'] ?? '5432'
  const options = Object.entries({
    listen_addresses: 'port' in settings ? '127.0.0.1' : '',
    unix_socket_directories: folder,
    ...settings,
  })
  let server: ChildProcess
  const start = async () => {
    const given = options.flatMap(([name, value]) => ['-c', `${name}=${value}`])
    server = spawn(join(bin, 'postgres'), ['-D', data, ...given], as)
    await untilReady(bin, folder, port, server)
  }
  await start()
  return {
    bin,
    url: (database) =>
      'port' in settings
        ? `postgres://normwatch@127.0.0.1:${port}/${database}`
        : `postgres://normwatch@/${database}?host=${encodeURIComponent(folder)}`,
    kill: () => ended(server, 'SIGQUIT'),
    start,
    startStandby: (own) =>
      startCluster({ ...settings, ...own }, 'pg_basebackup', [
        ...['-h', folder, '-p', port, '-U', 'normwatch', '--checkpoint=fast', '--no-sync', '-R'],
      ]),
    async stop() {
      await ended(server, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(bin: string, folder: string, port: string, server: ChildProcess): Promise<void> {
  const end = performance.now() + START_TIMEOUT_MS
  while (spawnSync(join(bin, 'pg_isready'), ['-q', '-h', folder, '-p', port]).status !== 0) {
    if (server.exitCode !== null || performance.now() > end) throw new Error('PostgreSQL did not start.')
    await pause(50)
  }
}

/** SIGINT: PostgreSQL closes connections and ends in order; SIGQUIT: at once. */
function ended(server: ChildProcess, signal: 'SIGINT' | 'SIGQUIT'): Promise<void> {
  return new Promise((resolve) => {
    if (server.exitCode !== null || server.signalCode !== null) resolve()
    server.once('exit', () => resolve())
    server.kill(signal)
  })
}

function userOf(name: string): { uid: number; gid: number } {
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}
