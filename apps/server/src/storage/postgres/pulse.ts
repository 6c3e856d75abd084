import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { StoreUnavailable } from '../store.ts'
import { hasAnswered } from './errors.ts'

/** How long a statement waits before the database is asked whether it answers, and until it is asked again. */
const PATIENCE_MS = 1_500
/** How long it may take to say so, connecting included: a busy one needs its time, one known to be silent is asked more often. */
const FIRST_TIMEOUT_MS = 6_000
const TIMEOUT_MS = 3_000
/** When it is asked once more meanwhile: what was sent while a network was cut may never arrive. */
const AGAIN_MS = 1_000
const AGAIN_IN_SILENCE_MS = 500

export interface PulseOptions {
  /** The address of the server in use. */
  readonly address: () => string
  readonly settings: (address: string) => pg.ClientConfig
  /** Called with a new connection to a server that answers. */
  readonly onAnswer: (client: pg.Client, address: string) => Promise<void>
  /** Called when a server is found not to answer, and each time that one still does not. */
  readonly onSilence: (address: string, isFirst: boolean) => void
}

/**
 * Finds out that a database has become silent, as one does behind a network that was cut: nothing would tell for many
 * seconds. Where a statement waits for long, it asks on connections of its own, each begun without waiting for the one
 * before, until there is an answer.
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
    const timer = setInterval(() => void this.#ask(), PATIENCE_MS).unref()
    return () => clearInterval(timer)
  }

  stop(): void {
    this.#isStopped = true
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    let isAnswered = false
    const answer = Promise.withResolvers<void>()
    while (!this.#isStopped && !isAnswered) {
      const address = this.#options.address()
      void this.#answers(address).then((answers) => {
        if (isAnswered) return
        if (answers) {
          isAnswered = true
          answer.resolve()
        } else {
          const isFirst = !this.#isSilent
          this.#isSilent = true
          this.#options.onSilence(address, isFirst)
        }
      })
      const again = pause(this.#isSilent ? AGAIN_IN_SILENCE_MS : AGAIN_MS, undefined, { ref: false })
      await Promise.race([answer.promise, again])
    }
    this.#isAsking = this.#isSilent = false
  }

  async #answers(address: string): Promise<boolean> {
    const timeout = this.#isSilent ? TIMEOUT_MS : FIRST_TIMEOUT_MS
    const client = new pg.Client({
      ...this.#options.settings(address),
      connectionTimeoutMillis: timeout,
      query_timeout: timeout,
    })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await this.#options.onAnswer(client, address)
      return true
    } catch (error) {
      return hasAnswered(error)
    } finally {
      void client.end().catch(() => undefined)
    }
  }
}
