import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { settingsOf } from './database.ts'
import { CannotOpenDatabase, asUnavailable } from './errors.ts'

/** The key of the lock that the one server of a database holds. */
const SERVING = 0x6e6f7277
/** How long a server that starts waits for a former one to leave. */
const PATIENCE_MS = 3_000
const RETRY_MS = 500

/**
 * The lock of the one server that may use a database, held by a connection of its own. When that connection is lost (a
 * restart, a fail-over) it is taken again as soon as the database answers; until then nothing may be stored.
 */
export class ServerLock {
  readonly #url: string
  #client: pg.Client | undefined
  #trouble: unknown
  #isClosed = false

  private constructor(url: string) {
    this.#url = url
  }

  /** Rejects with `CannotOpenDatabase` where another server has it, and with `StoreUnavailable`. */
  static async take(url: string): Promise<ServerLock> {
    const lock = new ServerLock(url)
    const end = performance.now() + PATIENCE_MS
    while (!(await lock.#try())) {
      if (performance.now() > end) {
        throw new CannotOpenDatabase(
          'Another Normwatch server uses this database: one server at a time may, stop the other first.',
        )
      }
      await pause(RETRY_MS)
    }
    return lock
  }

  /** Throws `StoreUnavailable` while this server does not hold the lock. */
  check(): void {
    if (this.#client !== undefined) return
    throw this.#trouble ?? new StoreUnavailable('Another Normwatch server uses this database.')
  }

  /** Whether the lock was got. */
  async #try(): Promise<boolean> {
    const client = new pg.Client(settingsOf(this.#url))
    client.on('error', () => undefined)
    try {
      await client.connect()
      // a server that lost its network must not lock the others out for hours
      await client.query(
        'set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3',
      )
      const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1) as got', [
        SERVING,
      ])
      if (rows[0]?.got !== true) {
        await client.end()
        this.#trouble = undefined
        return false
      }
    } catch (error) {
      void client.end().catch(() => undefined)
      throw asUnavailable(error)
    }
    this.#client = client
    client.once('end', () => {
      this.#client = undefined
      this.#trouble = new StoreUnavailable('The connection to the database was lost.')
      if (!this.#isClosed) void this.#regain()
    })
    return true
  }

  async #regain(): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (await this.#try()) return
      } catch (error) {
        this.#trouble = error
      }
      await pause(RETRY_MS, undefined, { ref: false })
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#client?.end()
  }
}
