import { readFileSync } from 'node:fs'
import { isLoopback } from '../server-address.ts'

/** The state of a listening socket in the kernel's tables. */
const LISTENING = '0A'

/**
 * The user id of another person whose program listens on this loopback address, as on a login node; `undefined` where
 * nobody does, it is this user, root or a system service, or it is unknown.
 */
export function otherUserOn(
  url: string,
  uid = process.getuid?.(),
  tables = ['/proc/net/tcp', '/proc/net/tcp6'],
): number | undefined {
  if (uid === undefined || !isLoopback(url)) return undefined
  const port = `:${Number(new URL(url).port || 80)
    .toString(16)
    .toUpperCase()
    .padStart(4, '0')}`
  for (const table of tables) {
    let lines: string[]
    try {
      lines = readFileSync(table, 'latin1').split('\n').slice(1)
    } catch {
      continue
    }
    for (const line of lines) {
      const [, local, , state, , , , owner] = line.trim().split(/\s+/)
      if (local?.endsWith(port) !== true || state !== LISTENING) continue
      if (Number(owner) !== uid && isPerson(Number(owner))) return Number(owner)
    }
  }
  return undefined
}

/** Not root, a system's service, one of systemd's dynamic users, or nobody, as whom a container's other users appear. */
function isPerson(uid: number): boolean {
  return uid >= 1_000 && uid !== 65_534 && !(uid >= 61_184 && uid <= 65_519)
}
