import { setImmediate as nextTurn } from 'node:timers/promises'
import { NormRecord } from '@normwatch/detector'
import { metricOf } from '@normwatch/protocol'
import type { Store, StoredRun } from '../storage/store.ts'
import { partOf } from './part-of.ts'

export interface StepRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

type Norms = Float32Array | Float64Array

/** Norms read or counted at once: a few milliseconds of work, then other requests get their turn. */
const NORMS_A_TURN = 2 ** 16
/** Records kept, and for how many milliseconds: a person tries cap after cap on the same range. 8 bytes a norm. */
const MAX_KEPT = 2
/** Norms of a record that is kept, at the most: 32 MiB. */
const MOST_KEPT = 2 ** 22
const KEPT_MS = 60_000
/** Bytes of norms by stretch of steps that are kept beside them: any other range of the same run is made of these. */
const MAX_BYTES = 32 * 1024 * 1024
/** Steps of one stretch, at the least, and stretches of one run, about. */
const STRETCH_STEPS = 2 ** 16
const STRETCHES = 256
/** Milliseconds after a run's last change from which `updated_at` identifies this state of the run. */
const SETTLED_MS = 1_000

/** The norms of runs as records to try caps on; those of a run that does not change are cached for a while. */
export class RecentNorms {
  readonly #store: Store
  readonly #now: () => number
  readonly #kept = new Map<string, NormRecord>()
  /** The least recently used first. */
  readonly #stretches = new Map<string, Norms>()
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
    if (isSettled && record.count <= MOST_KEPT) this.#keep(key, record)
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
    const add = async (norms: Norms): Promise<void> => {
      record.add({ values: norms, present: null })
      await pace.did(norms.length)
    }
    if (!isSettled) {
      for await (const norms of this.#store.points.readings(stored.id, metric, range)) await add(norms)
      return record
    }
    const steps = stretchSteps(last)
    for (let start = range.from ?? 0; start <= to;) {
      const next = (Math.floor(start / steps) + 1) * steps
      const end = Math.min(next - 1, to)
      const isWhole = start % steps === 0 && (end === next - 1 || end === last)
      if (isWhole) await add(await this.#stretch(stored, metric, start, end, pace))
      else {
        const readings = this.#store.points.readings(stored.id, metric, { from: start, to: end })
        for await (const norms of readings) await add(norms)
      }
      start = next
    }
    return record
  }

  async #stretch(
    { id, updated_at, points }: StoredRun,
    metric: string,
    from: number,
    to: number,
    pace: Pace,
  ): Promise<Norms> {
    const key = JSON.stringify([id, metric, from, updated_at, points])
    let norms = this.#stretches.get(key)
    if (norms !== undefined) {
      this.#stretches.delete(key)
      this.#stretches.set(key, norms)
      return norms
    }
    const blocks: Norms[] = []
    for await (const block of this.#store.points.readings(id, metric, { from, to })) {
      blocks.push(block)
      await pace.did(block.length)
    }
    norms = joined(blocks)
    const before = this.#stretches.get(key)?.byteLength ?? 0
    this.#stretches.set(key, norms)
    this.#bytes += norms.byteLength - before
    for (const [oldest, { byteLength }] of this.#stretches) {
      if (this.#bytes <= MAX_BYTES) break
      this.#stretches.delete(oldest)
      this.#bytes -= byteLength
    }
    return norms
  }
}

/** Gives others their turn after so many norms. */
class Pace {
  #norms = 0

  async did(norms: number): Promise<void> {
    this.#norms += norms
    if (this.#norms < NORMS_A_TURN) return
    this.#norms = 0
    await nextTurn()
  }
}

/** A power of two, so that few stretches cut a leaf. */
function stretchSteps(last: number): number {
  let steps = STRETCH_STEPS
  while (steps * STRETCHES <= last) steps *= 2
  return steps
}

function joined(blocks: readonly Norms[]): Norms {
  const length = blocks.reduce((sum, block) => sum + block.length, 0)
  const isSingle = blocks.every((block) => block instanceof Float32Array)
  const all = isSingle ? new Float32Array(length) : new Float64Array(length)
  let at = 0
  for (const block of blocks) {
    all.set(block, at)
    at += block.length
  }
  return all
}
