import type { Database } from '../engine/database.ts'
import { makeStretches } from '../../run/make-stretches.ts'
import type { RunUnits } from '../../run/run-tables.ts'
import { Unpacker } from '../../run/unpacker.ts'

/** Points of a run from which on its stretches are stored. */
const LONG_RUN = 2 ** 20
/**
 * Milliseconds for which a run's leaves have not changed; one whose leaves go on changing waits so long at the most. Points that
 * arrive at full speed have the processors to themselves.
 */
const QUIET_MS = 2_000
const MOST_WAIT_MS = 60_000

/** Stores stretches of long runs, between other units of work. */
export class StretchMaker {
  readonly #units: RunUnits
  readonly #longRuns: () => number[]
  readonly #idOf: (key: number) => string | undefined
  readonly #unwatch: () => void
  readonly #unpacker = new Unpacker()
  /** When the leaves of runs have changed, by key. */
  readonly #changed = new Map<number, { readonly first: number; readonly last: number }>()
  #timer: NodeJS.Timeout | undefined
  /** Whether runs of before the start were looked at. */
  #hasBegun = false
  #isWorking = false
  #isClosed = false

  constructor(db: Database, units: RunUnits, watchLeaves: (watcher: (run: number) => void) => () => void) {
    const long = db.prepare<[number], number>('select key from runs where points >= ?').pluck()
    const id = db
      .prepare<[number, number], string>('select id from runs where key = ? and points >= ?')
      .pluck()
    this.#units = units
    this.#longRuns = () => long.all(LONG_RUN)
    this.#idOf = (key) => id.get(key, LONG_RUN)
    this.#unwatch = watchLeaves((run) => {
      const now = performance.now()
      this.#changed.set(run, { first: this.#changed.get(run)?.first ?? now, last: now })
      this.#schedule()
    })
  }

  /** Begins with all long runs, of which a former process may have left some undone. */
  start(): void {
    this.#schedule()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#unwatch()
    this.#unpacker.close()
  }

  #schedule(): void {
    if (this.#isClosed || this.#isWorking || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#isWorking = true
      void this.#work().finally(() => {
        this.#isWorking = false
        if (this.#changed.size > 0) this.#schedule()
      })
    }, QUIET_MS).unref()
  }

  async #work(): Promise<void> {
    const now = performance.now()
    const runs = new Set<number>()
    for (const [run, { first, last }] of this.#changed) {
      if (now - last < QUIET_MS && now - first < MOST_WAIT_MS) continue
      runs.add(run)
      this.#changed.delete(run)
    }
    try {
      if (!this.#hasBegun) for (const run of this.#longRuns()) runs.add(run)
      this.#hasBegun = true
    } catch {
      // the store cannot be used
    }
    for (const run of runs) {
      if (this.#isClosed) return
      try {
        const id = this.#idOf(run)
        if (id !== undefined) await makeStretches(this.#units, id, this.#unpacker)
      } catch {
        // the run was removed, or the store cannot be used: the leaves hold all that this would copy
      }
    }
  }
}
