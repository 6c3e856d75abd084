import { NormRecord } from '@normwatch/detector'
import { metricOf } from '@normwatch/protocol'
import type { Store, StoredRun } from '../storage/store.ts'
import { A_STRETCH, Pace } from './pace.ts'
import { partOf } from './part-of.ts'

export interface StepRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** Records kept, and for how many milliseconds: a person tries cap after cap on the same range. */
const MAX_KEPT = 2
/** Bytes of the norms of a record that is kept, at the most. */
const MOST_KEPT = 32 * 1024 * 1024
const KEPT_MS = 60_000
/** Bytes of norms by stretch of steps that are kept beside them: any other range of the same run is made of these. */
const MAX_BYTES = 32 * 1024 * 1024
/** Steps of one stretch, at the least, and stretches of one run, about. */
const STRETCH_STEPS = 2 ** 13
const STRETCHES = 256
/** Pieces of a range that are begun before the one before is read: the store unpacks several beside each other. */
const PIECES_AHEAD = 4
/** Norms of a run with more points would drive each other out; stores keep what is asked of them. */
const VERY_LONG_RUN = 2 ** 22
/** Milliseconds after a run's last change from which `updated_at` identifies this state of the run. */
const SETTLED_MS = 1_000

/** The norms of runs as records to try caps on; those of a run that does not change are cached for a while. */
export class RecentNorms {
  readonly #store: Store
  readonly #now: () => number
  readonly #kept = new Map<string, NormRecord>()
  /** The least recently used first. */
  readonly #stretches = new Map<string, NormRecord>()
  #bytes = 0
  #forgetting: NodeJS.Timeout | undefined

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
    const record = await this.#read(stored, metric, range, isSettled)
    if (isSettled && record.bytes <= MOST_KEPT) this.#keep(key, record)
    this.#forgetLater()
    return record
  }

  /** Nothing is kept of runs that nobody has asked about for a while. */
  #forgetLater(): void {
    if (this.#forgetting !== undefined) return void this.#forgetting.refresh()
    this.#forgetting = setTimeout(() => {
      this.#forgetting = undefined
      this.#stretches.clear()
      this.#bytes = 0
    }, KEPT_MS).unref()
  }

  #keep(key: string, record: NormRecord): void {
    this.#kept.set(key, record)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    setTimeout(() => this.#kept.delete(key), KEPT_MS).unref()
  }

  /** Of a run that rests, the stretches that the range holds whole are kept. */
  async #read(stored: StoredRun, metric: string, range: StepRange, isSettled: boolean): Promise<NormRecord> {
    const last = stored.last_step ?? -1
    const to = Math.min(range.to ?? last, last)
    const record = new NormRecord()
    const pace = new Pace()
    if (!isSettled || stored.points >= VERY_LONG_RUN)
      return this.#readInto(record, stored.id, metric, range, pace)
    const steps = stretchSteps(last)
    const ahead: Promise<NormRecord>[] = []
    for (let start = range.from ?? 0; start <= to;) {
      const next = (Math.floor(start / steps) + 1) * steps
      const end = Math.min(next - 1, to)
      const isWhole = start % steps === 0 && (end === next - 1 || end === last)
      const piece = isWhole
        ? this.#stretch(stored, metric, start, end, pace)
        : this.#readInto(new NormRecord(), stored.id, metric, { from: start, to: end }, pace)
      // an error is thrown when its turn comes
      piece.catch(() => {})
      ahead.push(piece)
      if (ahead.length > PIECES_AHEAD) record.addAll(await (ahead.shift() as Promise<NormRecord>))
      start = next
    }
    for (const piece of ahead) record.addAll(await piece)
    return record
  }

  async #readInto(
    record: NormRecord,
    run: string,
    metric: string,
    range: StepRange,
    pace: Pace,
  ): Promise<NormRecord> {
    for await (const norms of this.#store.points.norms(run, metric, range)) {
      if ('unpack' in norms) record.addOrdered(norms)
      else record.add({ values: norms, present: null })
      await pace.did('unpack' in norms ? A_STRETCH : norms.length)
    }
    return record
  }

  async #stretch(
    { id, updated_at, points }: StoredRun,
    metric: string,
    from: number,
    to: number,
    pace: Pace,
  ): Promise<NormRecord> {
    const key = JSON.stringify([id, metric, from, updated_at, points])
    let norms = this.#stretches.get(key)
    if (norms !== undefined) {
      this.#stretches.delete(key)
      this.#stretches.set(key, norms)
      return norms
    }
    norms = new NormRecord()
    await this.#readInto(norms, id, metric, { from, to }, pace)
    const before = this.#stretches.get(key)?.bytes ?? 0
    this.#stretches.set(key, norms)
    this.#bytes += norms.bytes - before
    for (const [oldest, { bytes }] of this.#stretches) {
      if (this.#bytes <= MAX_BYTES) break
      this.#stretches.delete(oldest)
      this.#bytes -= bytes
    }
    return norms
  }
}

/** A power of two, so that few stretches cut a leaf. */
function stretchSteps(last: number): number {
  let steps = STRETCH_STEPS
  while (steps * STRETCHES <= last) steps *= 2
  return steps
}
