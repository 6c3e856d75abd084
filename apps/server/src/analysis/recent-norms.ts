import { setImmediate as nextTurn } from 'node:timers/promises'
import { NormRecord } from '@normwatch/detector'
import { metricOf } from '@normwatch/protocol'
import type { Store } from '../storage/store.ts'
import { partOf } from './part-of.ts'

export interface StepRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** Norms read at once: about 5 ms of work, then other requests get their turn. */
const NORMS_A_TURN = 2 ** 17
/** Records kept, and for how many milliseconds: a person tries cap after cap on the same range. 8 bytes a norm. */
const MAX_KEPT = 2
const KEPT_MS = 60_000
/** Milliseconds after a run's last change from which `updated_at` identifies this state of the run. */
const SETTLED_MS = 1_000

/** The norms of runs as records to try caps on; those of a run that does not change are cached for a while. */
export class RecentNorms {
  readonly #store: Store
  readonly #now: () => number
  readonly #kept = new Map<string, NormRecord>()

  constructor({ store, now }: { readonly store: Store; readonly now: () => number }) {
    this.#store = store
    this.#now = now
  }

  /** The finite norms of the run, or of one of its parts, from step `from` to step `to`. Throws `RunNotFound`, `PartNotFound`. */
  async of(run: string, range: StepRange, part?: string): Promise<NormRecord> {
    const stored = await this.#store.runs.get(run)
    const { updated_at, points } = stored
    const metric = metricOf('grad_norm', partOf(stored, part).name)
    const key = JSON.stringify([run, metric, range.from, range.to, updated_at, points])
    const kept = this.#kept.get(key)
    if (kept !== undefined) return kept
    const isSettled = this.#now() - updated_at > SETTLED_MS
    const record = await this.#read(run, metric, range)
    if (isSettled) this.#keep(key, record)
    return record
  }

  #keep(key: string, record: NormRecord): void {
    this.#kept.set(key, record)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    setTimeout(() => this.#kept.delete(key), KEPT_MS).unref()
  }

  async #read(run: string, metric: string, range: StepRange): Promise<NormRecord> {
    const record = new NormRecord()
    let turns = 1
    for await (const norms of this.#store.points.readings(run, metric, range)) {
      record.add({ values: new Float64Array(norms), present: null })
      if (record.count >= turns * NORMS_A_TURN) {
        turns++
        await nextTurn()
      }
    }
    return record
  }
}
