import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { hasAnswered } from './errors.ts'

/** How long a statement waits before the database is asked whether it answers at all. */
const PATIENCE_MS = 1_500
/** How long it may take to say so, connecting included: a busy one needs its time, one known to be silent is asked more often. */
const FIRST_TIMEOUT_MS = 6_000
const TIMEOUT_MS = 3_000
const RETRY_MS = 500

export interface PulseOptions {
  /** The settings of a connection to the server in use. */
  readonly settings: () => pg.ClientConfig
  /** Called when the database is found not to answer, and each time that it still does not. */
  readonly onSilence: (isFirst: boolean) => void
}

/**
 * Finds out that a database has become silent, as one does behind a network that was cut: nothing would tell for many
 * seconds. Where a statement waits for long, it asks on a connection of its own, and goes on asking until there is an answer.
 */
export class Pulse {
  readonly #options: PulseOptions
  #isAsking = false
  #isSilent = false
  #isStopped = false

  constructor(options: PulseOptions) {
    this.#options = options
  }

  /** Throws `StoreUnavailable` while the database does not answer. */
  check(): void {
    if (this.#isSilent) throw new StoreUnavailable('The database does not answer.')
  }

  /** To be called when a statement begins; the result, when it has ended. */
  watch(): () => void {
    const timer = setTimeout(() => void this.#ask(), PATIENCE_MS).unref()
    return () => clearTimeout(timer)
  }

  stop(): void {
    this.#isStopped = true
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    while (!this.#isStopped && !(await this.#answers())) {
      const isFirst = !this.#isSilent
      this.#isSilent = true
      this.#options.onSilence(isFirst)
      await pause(RETRY_MS, undefined, { ref: false })
    }
    this.#isAsking = this.#isSilent = false
  }

  async #answers(): Promise<boolean> {
    const timeout = this.#isSilent ? TIMEOUT_MS : FIRST_TIMEOUT_MS
    const client = new pg.Client({
      ...this.#options.settings(),
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
      return true
    } catch (error) {
      return hasAnswered(error)
    } finally {
      void client.end().catch(() => undefined)
    }
  }
}
