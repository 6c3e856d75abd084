import type { Socket } from 'node:net'
import type pg from 'pg'

/** Bytes a millisecond that a network carries at least: what was sent may be on its way for so long. */
const SLOWEST = 256

/** A connection of a pool. */
export interface Connection {
  /** The number of the database's process that serves it. */
  readonly process: number
  readonly socket: Socket
}

/** Work on one connection, while it is under way. */
export interface Use {
  /** The server that it is connected to, or tries to connect to. */
  address: string
  pool?: pg.Pool
  /** From when it has a connection. */
  client?: pg.Client | pg.PoolClient | undefined
  /** When that was, by `performance.now()`, and the bytes that had been sent on it by then. */
  since?: number
  sentBefore?: number
  /** Makes it wait for a connection of the new pool, while it waits for one. */
  connectAgain?: (() => void) | undefined
}

/**
 * Those of these uses that their server does nothing for, with what changes once it does: those whose connection has not
 * come about, and those whose statement did not arrive, or whose answer did not. `asked` is connected to the server.
 */
export async function unserved(
  asked: pg.ClientBase,
  uses: readonly Use[],
  connectionOf: (client: pg.ClientBase) => Connection | undefined,
): Promise<Map<Use, string>> {
  const connections = new Map(uses.map((use) => [use, use.client && connectionOf(use.client)]))
  const { rows } = await asked.query<{ process: number; since: string | null }>(
    `select process, state_change::text as since from unnest($1::integer[]) as used (process)
     left join pg_stat_activity on pid = process where pid is null or state like 'idle%'`,
    [[...connections.values()].flatMap((connection) => connection?.process ?? [])],
  )
  const idle = new Map(rows.map(({ process, since }) => [process, since]))
  const found = new Map<Use, string>()
  for (const [use, connection] of connections) {
    if (connection === undefined) {
      if (isConnecting(use.pool, uses)) found.set(use, 'connecting')
    } else if (idle.has(connection.process) && hasHadTime(use, connection)) {
      const { bytesRead, writableLength } = connection.socket
      found.set(use, `${idle.get(connection.process)} ${bytesRead} ${writableLength}`)
    }
  }
  return found
}

/** Whether all that was sent would have arrived by now: the server tells nothing of a statement that arrives slowly. */
function hasHadTime({ since = 0, sentBefore = 0 }: Use, { socket }: Connection): boolean {
  return (performance.now() - since) * SLOWEST >= socket.bytesWritten - sentBefore
}

/** Whether a pool makes a connection now. If not, work waits until others end. */
function isConnecting(pool: pg.Pool | undefined, uses: readonly Use[]): boolean {
  if (pool === undefined) return false
  const connected = uses.filter((use) => use.pool === pool && use.client !== undefined).length
  return pool.totalCount > pool.idleCount + connected
}
