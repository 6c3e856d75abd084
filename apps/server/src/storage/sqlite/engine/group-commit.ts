import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from './database.ts'
import { DamagedPoints, DataDamaged } from '../../run/damage.ts'
import { StoreUnavailable } from '../../store.ts'
import { asUnavailable } from './store-errors.ts'
import { UnitRefused } from '../../unit-refused.ts'

/** Most units that share one wait for the disk: more would make each wait for the others. */
const MAX_UNITS = 512
/** Milliseconds of one transaction's units; those that are left get another, after everybody else's turn. */
const TRANSACTION_MS = 5

interface Unit {
  readonly work: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Committed {
  readonly settle: () => void
  readonly reject: (error: unknown) => void
}

export interface GroupHooks {
  /** Waits until everything committed so far is on the disk. */
  readonly sync: () => Promise<void>
  /** Called in the transaction when all units have run: what they left to be written is written here. */
  readonly beforeCommit: () => void
  /** Called when a transaction was undone: whatever was kept in memory of it is not stored. */
  readonly onRollback: () => void
}

/**
 * Runs units of work in the order of their arrival, many in one transaction: everything that has arrived when it
 * begins shares its wait for the disk, during which the next ones gather, and its commit unless that would take long. A unit is
 * synchronous; its promise settles when its transaction is durable or undone.
 */
export class GroupCommit {
  readonly #db: Database
  readonly #hooks: GroupHooks
  #waiting: Unit[] = []
  #atWork = false
  #closed = false
  #damage: DataDamaged | undefined

  constructor(db: Database, hooks: GroupHooks) {
    this.#db = db
    this.#hooks = hooks
  }

  /** The first damage in the data that a unit or a reader met. */
  get damage(): DataDamaged | undefined {
    return this.#damage
  }

  run<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreUnavailable('The store is closed.'))
    return this.#enqueue(work)
  }

  /** Reads between two transactions. Throws `StoreUnavailable` and whatever else `work` throws. */
  read<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#explained(error)
    }
  }

  #explained(error: unknown): unknown {
    const cause = asUnavailable(error)
    if (cause instanceof DataDamaged) this.#damage ??= cause
    return cause
  }

  #enqueue<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject })
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#atWork || this.#waiting.length === 0) return
    this.#atWork = true
    setImmediate(() => {
      void this.#work().finally(() => {
        this.#atWork = false
        this.#schedule()
      })
    })
  }

  async #work(): Promise<void> {
    const units = this.#waiting.splice(0, MAX_UNITS)
    const settled = this.#commit(units)
    while (units.length > 0) {
      await nextTurn()
      settled.push(...this.#commit(units))
    }
    try {
      if (settled.length > 0) await this.#hooks.sync()
      for (const { settle } of settled) settle()
    } catch (error) {
      for (const { reject } of settled) reject(this.#explained(error))
    }
  }

  /** Takes the first units and runs them in one transaction. Gives those committed, whose promises wait for the disk. */
  #commit(units: Unit[]): Committed[] {
    const settled: Committed[] = []
    let taken = 0
    try {
      this.#db.exec('begin immediate')
      const until = performance.now() + TRANSACTION_MS
      do {
        const { work, resolve, reject } = units[taken++] as Unit
        try {
          const value = work()
          settled.push({ settle: () => resolve(value), reject })
        } catch (error) {
          if (!(error instanceof UnitRefused)) throw error
          settled.push({ settle: () => reject(error), reject })
        }
      } while (taken < units.length && performance.now() < until)
      this.#hooks.beforeCommit()
      this.#db.exec('commit')
      units.splice(0, taken)
      return settled
    } catch (error) {
      // where not even a transaction began, none of them can be done
      return this.#undo(units.splice(0, taken || units.length), this.#explained(error))
    }
  }

  #undo(units: readonly Unit[], error: unknown): Committed[] {
    if (this.#db.inTransaction) this.#db.exec('rollback')
    this.#hooks.onRollback()
    const isShared = error instanceof StoreUnavailable && !(error instanceof DamagedPoints)
    // a fault of one unit is not its neighbours': each gets a transaction of its own
    if (!isShared && units.length > 1) return units.flatMap((unit) => this.#commit([unit]))
    for (const { reject } of units) reject(error)
    return []
  }

  /** Commits what has arrived and waits until it is durable; later units are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    // the last of those that have arrived
    if (this.#atWork || this.#waiting.length > 0) await this.#enqueue(() => undefined)
  }
}
