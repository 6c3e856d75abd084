import { constants, closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { isLoopback, isServerAddress } from '../server-address.ts'

/** The server of this user: its address and its token. */
export interface OwnServer {
  readonly url: string
  readonly token: string
}

type Environment = Readonly<Record<string, string | undefined>>

const MAX_BYTES = 64 * 1024

/** The data folder of an installed server: `NORMWATCH_DATA`, else the platform's own. */
function dataFolder(env: Environment): string {
  const named = env['NORMWATCH_DATA']
  if (named !== undefined && named !== '') return named
  const home = homedir()
  if (process.platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'normwatch')
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', 'normwatch')
  const shared = env['XDG_DATA_HOME']
  return join(shared?.startsWith('/') === true ? shared : join(home, '.local', 'share'), 'normwatch')
}

/**
 * The server of this user as its `server.json` describes it. `undefined` if there is none or this machine cannot reach it. A
 * file that another user may have written is ignored, because readings could then go to that user; `warn` is told why.
 */
export function findOwnServer(
  env: Environment,
  warn: (sentence: string) => void = () => {},
): OwnServer | undefined {
  try {
    const { url, token, host, pid } = readServerFile(join(dataFolder(env), 'server.json'), warn)
    if (!isServerAddress(url) || typeof token !== 'string') return undefined
    const isReached = host === hostname() ? runs(pid) : !isLoopback(url)
    return isReached ? { url, token } : undefined
  } catch {
    return undefined // no file, no home folder, or an unreadable file
  }
}

function readServerFile(path: string, warn: (sentence: string) => void): Record<string, unknown> {
  let file: number
  try {
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOOP') warn(`${path} is a link: it is not read`)
    throw error
  }
  try {
    const found = fstatSync(file)
    if (process.getuid !== undefined) {
      if (found.uid !== process.getuid()) {
        warn(`${path} belongs to another user: it is not read`)
        return {}
      }
      if ((found.mode & 0o077) !== 0) {
        warn(`${path} can be opened by other users: it is not read`)
        return {}
      }
    }
    if (!found.isFile() || found.size > MAX_BYTES) return {}
    const content = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown> | null
    return content?.['version'] === 1 ? content : {}
  } finally {
    closeSync(file)
  }
}

/** Whether a process of this user has this id. A server that was killed leaves its file behind. */
function runs(pid: unknown): boolean {
  if (!Number.isInteger(pid) || (pid as number) <= 0) return false
  try {
    return process.kill(pid as number, 0)
  } catch {
    return false
  }
}
