import type { Database } from '../engine/database.ts'
import { makeStretches } from '../../run/make-stretches.ts'
import type { RunUnits } from '../../run/run-tables.ts'
import { Unpacker } from '../../run/unpacker.ts'

/** Points of a run from which on its stretches are stored. */
const LONG_RUN = 2 ** 20
/** Milliseconds after a change of leaves: others come in the meantime. */
const DELAY_MS = 2_000

/** Stores stretches of long runs, between other units of work. */
export class StretchMaker {
  readonly #units: RunUnits
  readonly #longRuns: () => number[]
  readonly #idOf: (key: number) => string | undefined
  readonly #unwatch: () => void
  readonly #unpacker = new Unpacker()
  /** Keys of runs whose leaves have changed. */
  #changed = new Set<number>()
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
      this.#changed.add(run)
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
    }, DELAY_MS).unref()
  }

  async #work(): Promise<void> {
    const runs = this.#changed
    this.#changed = new Set()
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
