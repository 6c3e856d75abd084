import type { Database } from './database.ts'

const READ_EVERY_MS = 15_000

/**
 * The clock that all servers of a database share: the database's own, which between two readings a monotonic clock
 * continues. So it differs between servers by less than the time that a statement takes, however their clocks are set.
 */
export class DatabaseClock {
  readonly #db: Database
  readonly #timer: NodeJS.Timeout
  #lead = 0
  #reading: Promise<void> | undefined

  private constructor(db: Database) {
    this.#db = db
    this.#timer = setInterval(() => {
      // a database that is away is reported elsewhere
      this.#reading ??= this.#read()
        .catch(() => undefined)
        .finally(() => (this.#reading = undefined))
    }, READ_EVERY_MS).unref()
  }

  static async start(db: Database): Promise<DatabaseClock> {
    const clock = new DatabaseClock(db)
    try {
      await clock.#read()
    } catch (error) {
      clearInterval(clock.#timer)
      throw error
    }
    return clock
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => Math.floor(performance.now() + this.#lead)

  async #read(): Promise<void> {
    const before = performance.now()
    const found = await this.#db.get<{ now: number }>(
      'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
    )
    const { now } = found as { now: number }
    const [least, most] = [now - performance.now(), now - before]
    if (this.#lead < least || this.#lead > most) this.#lead = (least + most) / 2
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
  }
}
