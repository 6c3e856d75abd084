import { readFileSync } from 'node:fs'
import { isLoopback } from '../server-address.ts'

/** The state of a listening socket in `/proc/net/tcp`. */
const LISTENING = '0A'

/**
 * The user id of another person whose program listens on this loopback address, as can happen on a login node. `undefined` if
 * nothing listens there, if the listener belongs to this user, root or a system service, or if that is unknown.
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

/**
 * Whether this user id belongs to a person: not to root, a system service or a dynamic user of systemd, and not to `nobody`,
 * which stands for users from outside a container.
 */
function isPerson(uid: number): boolean {
  return uid >= 1_000 && uid !== 65_534 && !(uid >= 61_184 && uid <= 65_519)
}
