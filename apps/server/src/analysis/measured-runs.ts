import { clipRule, RunMeasurer, type RunMeasures } from '@normwatch/detector'
import { metricOf } from '@normwatch/protocol'
import { inSlices } from '../in-slices.ts'
import type { Store, StoredRun } from '../storage/store.ts'
import { A_STRETCH, Pace } from './pace.ts'
import { partOf } from './part-of.ts'

/** Runs whose measures are kept: less than a kilobyte each. */
const MAX_KEPT = 256

export interface MeasuredRun extends RunMeasures {
  /** Findings of that kind. */
  readonly spikes: number
}

/** Measures of whole runs or parts of them, kept for as long as the run stays as it was. */
export class MeasuredRuns {
  readonly #store: Store
  /** The least recently used first. */
  readonly #kept = new Map<string, MeasuredRun>()

  constructor(store: Store) {
    this.#store = store
  }

  /** Throws `RunNotFound`, `PartNotFound`. */
  async of(run: StoredRun, part: string | undefined): Promise<MeasuredRun> {
    const key = keyOf(run, part)
    let measured = this.#kept.get(key)
    if (measured === undefined) {
      measured = {
        ...(await measure(this.#store, run, part)),
        spikes: await this.#store.findings.count({ run: run.id, kind: 'spike', part: part ?? null }),
      }
      // what was read meanwhile may be of a later version
      if (keyOf(await this.#store.runs.get(run.id), part) !== key) return measured
    }
    this.#kept.delete(key)
    this.#kept.set(key, measured)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
    return measured
  }
}

/** A run that is removed and made again has another time of creation, but perhaps the same version. */
const keyOf = ({ id, created_at, version }: StoredRun, part: string | undefined): string =>
  JSON.stringify([id, created_at, version, part])

async function measure(store: Store, run: StoredRun, part: string | undefined): Promise<RunMeasures> {
  const { name, clip, clipping } = partOf(run, part)
  const [gradNorm, cap, clipFraction, ownLoss] = ['grad_norm', 'max_norm', 'clip_fraction', 'loss'].map(
    (metric) => metricOf(metric, name),
  ) as [string, string, string, string]
  const known = new Set(await store.points.metrics(run.id))
  // a part without a loss of its own uses the run's
  const loss = known.has(ownLoss) ? ownLoss : 'loss'
  const measurer = new RunMeasurer()
  const pace = new Pace()
  const rule = clipRule(clip)
  // the store counts what is clipped; without a cap of the run, no rate speaks of steps that have none either
  const hasCap = rule.by === 'fraction' || rule.cap < Infinity
  if (hasCap || !known.has(cap)) {
    for await (const norms of store.points.norms(run.id, gradNorm, {})) {
      if ('unpack' in norms) measurer.addOrderedNorms(norms)
      else measurer.addNorms(norms)
      await pace.did('unpack' in norms ? A_STRETCH : norms.length)
    }
  } else {
    const metrics = [gradNorm, cap]
    for await (const block of store.points.read(run.id, { metrics })) {
      measurer.addSteps({
        count: block.step.length,
        gradNorm: block.metrics.get(gradNorm),
        cap: block.metrics.get(cap),
      })
      await pace.did(block.step.length * block.metrics.size)
    }
  }
  for await (const losses of store.points.losses(run.id, loss)) {
    if ('sums' in losses) measurer.addLossSums(losses.sums, losses.start)
    else measurer.addLosses(losses)
    await pace.did('sums' in losses ? A_STRETCH : losses.length)
  }
  const from = measurer.lastLossesFrom
  if (from !== undefined) {
    for await (const losses of store.points.readings(run.id, loss, { from })) {
      measurer.addLastLosses(losses)
      await pace.did(losses.length)
    }
  }
  const steps = await store.points.extent(run.id, [gradNorm, loss, cap, clipFraction])
  return inSlices(measurer.resultInSlices(steps, hasCap ? clipping.rate_total : undefined))
}
