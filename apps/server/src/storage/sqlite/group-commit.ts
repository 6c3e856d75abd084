import type { Database } from 'better-sqlite3'
import { StoreUnavailable } from '../store.ts'
import { asUnavailable } from './unavailable.ts'

/** Units of one transaction at the most, so that none waits long for its neighbours. */
const MAX_UNITS = 512

interface Unit {
  readonly work: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export interface GroupHooks {
  /** Called in the transaction when all units have run: what they left to be written is written here. */
  readonly beforeCommit: () => void
  /** Called when a transaction was undone: whatever was kept in memory of it is not stored. */
  readonly onRollback: () => void
  /** Whether the error refuses one unit that has changed nothing yet, so that its neighbours may go on. */
  readonly isRefusal: (error: unknown) => boolean
}

/**
 * Runs units of work in the order of their arrival, many in one transaction: everything that has arrived when it
 * begins shares its commit. A unit is synchronous; its promise settles when the transaction is durable or undone.
 */
export class GroupCommit {
  readonly #db: Database
  readonly #hooks: GroupHooks
  #waiting: Unit[] = []
  #scheduled = false
  #closed = false

  constructor(db: Database, hooks: GroupHooks) {
    this.#db = db
    this.#hooks = hooks
  }

  run<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.'))
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#commit(this.#waiting.splice(0, MAX_UNITS))
      this.#schedule()
    })
  }

  #commit(units: readonly Unit[]): void {
    const settled: (() => void)[] = []
    try {
      this.#db.exec('begin immediate')
      for (const { work, resolve, reject } of units) {
        try {
          const value = work()
          settled.push(() => resolve(value))
        } catch (error) {
          if (!this.#hooks.isRefusal(error)) throw error
          settled.push(() => reject(error))
        }
      }
      this.#hooks.beforeCommit()
      this.#db.exec('commit')
    } catch (error) {
      return this.#undo(units, asUnavailable(error))
    }
    for (const settle of settled) settle()
  }

  #undo(units: readonly Unit[], error: unknown): void {
    if (this.#db.inTransaction) this.#db.exec('rollback')
    this.#hooks.onRollback()
    const isShared = error instanceof StoreUnavailable
    // a fault of one unit is not its neighbours': each gets a transaction of its own
    if (!isShared && units.length > 1) for (const unit of units) this.#commit([unit])
    else for (const { reject } of units) reject(error)
  }

  /** Commits what has arrived; later units are rejected. */
  close(): void {
    this.#closed = true
    while (this.#waiting.length > 0) this.#commit(this.#waiting.splice(0, MAX_UNITS))
  }
}
