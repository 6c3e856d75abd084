import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import { ConfigError } from './config.ts'

/** Removes the socket that a server left behind when it was killed. Rejects with `ConfigError` where the path is in use. */
export async function clearSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new ConfigError(`--socket names ${path}, which is there and is no socket.`)
  if (await isAnswered(path)) throw new ConfigError(`A server listens on ${path} already.`)
  unlinkSync(path)
}

/** Who may connect: this user. The umask has seen to it until here, but for the right to execute. */
export function closeToOthers(path: string): void {
  chmodSync(path, 0o600)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED'))
    socket.once('close', () => socket.destroy())
    socket.once('connect', () => socket.end())
  })
}
