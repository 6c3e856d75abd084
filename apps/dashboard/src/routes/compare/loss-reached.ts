import type { OverlaidRun } from './overlay.ts'
import { emptyBuckets, type MetricBuckets } from '#lib/chart/series-window.ts'

/** The running median is over a fiftieth of the buckets, within these bounds. */
const SHARE = 1 / 50
const [LEAST, MOST] = [5, 15]

/** A low of the smoothed loss, and where it was reached. */
export interface Low {
  readonly loss: number
  readonly step: number
}

/**
 * The new lows of a run's smoothed loss, in step order: each is lower than all before it. Smoothed is the median of the
 * last finite readings up to and with a bucket, one a bucket, so that one lucky batch makes no low; the first low is
 * that of the first full median.
 */
export function lowsOf(loss: MetricBuckets): Low[] {
  const finite = loss.last.flatMap((value, i) =>
    Number.isFinite(value) ? [{ value, step: loss.step[i] as number }] : [],
  )
  const width = Math.min(MOST, Math.max(LEAST, Math.round(finite.length * SHARE)))
  const lows: Low[] = []
  for (let end = width; end <= finite.length; end++) {
    const values = finite.slice(end - width, end).map(({ value }) => value)
    values.sort((a, b) => a - b)
    const median = values[width >> 1] as number
    if (median < (lows.at(-1)?.loss ?? Infinity))
      lows.push({ loss: median, step: (finite[end - 1] as { step: number }).step })
  }
  return lows
}

/**
 * A metric by the loss reached: a place a low, lowest loss first. Each takes together all readings from its low to the
 * next one, so that no reading after the first low is left out.
 */
export function byLossReached(metric: MetricBuckets, lows: readonly Low[]): OverlaidRun {
  const x: number[] = []
  const out = emptyBuckets()
  let end = metric.step.length
  for (const { loss, step } of [...lows].reverse()) {
    let first = end
    while (first > 0 && (metric.step[first - 1] as number) >= step) first--
    if (first === end) continue
    const [from, to] = [first, end]
    end = first
    const sum = (column: readonly number[]) => column.slice(from, to).reduce((total, one) => total + one, 0)
    const finite = (column: readonly (number | null)[]) =>
      column.slice(from, to).filter((value) => value !== null)
    const extreme = (values: readonly number[], choose: (a: number, b: number) => number) =>
      values.length > 0 ? values.reduce((a, b) => choose(a, b)) : null
    x.push(loss)
    out.step.push(out.step.length)
    out.time.push(metric.time[to - 1] as number)
    out.min.push(extreme(finite(metric.min), Math.min))
    out.max.push(extreme(finite(metric.max), Math.max))
    out.last.push(metric.last[to - 1] as number)
    out.count.push(sum(metric.count))
    out.nonfinite.push(sum(metric.nonfinite))
    out.over.push(sum(metric.over))
  }
  return { x, buckets: out }
}

/** The step at which each loss was reached, lowest loss first. */
export function stepsToReach(lows: readonly Low[]): OverlaidRun {
  const ascending = [...lows].reverse()
  const steps = ascending.map(({ step }) => step)
  const of = (value: number) => ascending.map(() => value)
  const buckets = { min: steps, max: steps, last: steps, count: of(1), nonfinite: of(0), over: of(0) }
  return {
    x: ascending.map(({ loss }) => loss),
    buckets: { ...buckets, step: ascending.map((_, i) => i), time: of(0) },
  }
}
