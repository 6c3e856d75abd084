import { capOfStep } from '@normwatch/detector'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

/** What the x axis counts. */
export type AxisMode = 'step' | 'time' | 'elapsed'

type Column = (number | null)[]

/** One metric as a chart draws it: parallel columns, a row of `null` where the line has to break. */
export interface ChartColumns {
  readonly x: number[]
  readonly min: Column
  readonly max: Column
  readonly last: Column
}

export interface Mark {
  readonly x: number
  readonly count: number
}

/** A stretch of equal length in the ribbon; `share` of its steps were clipped, 0 to 1. */
export interface RibbonCell {
  readonly from: number
  readonly to: number
  readonly share: number
}

/** Buckets on the axis asked for; `startedAt` (Unix seconds) is where elapsed time starts. */
export function xOf(buckets: MetricBuckets, mode: AxisMode, startedAt: number): number[] {
  if (mode === 'step') return buckets.step
  return mode === 'time' ? buckets.time : buckets.time.map((time) => time - startedAt)
}

/**
 * The columns of a chart. A reading that is not finite breaks the line, and so does a hole three times as wide as the
 * usual distance of two buckets: a line across it would claim readings that were never logged. On a log axis (`log`) values at or
 * below 0 have no place: they break the line and show as marks (`marksAtOrBelowZero`).
 */
export function chartColumns(buckets: MetricBuckets, x: readonly number[], log: boolean): ChartColumns {
  const columns = { x: [] as number[], min: [] as Column, max: [] as Column, last: [] as Column }
  const widest = 3 * usualDistance(buckets.step)
  const drawable = (value: number | null) =>
    value === null || !Number.isFinite(value) || (log && value <= 0) ? null : value
  for (let i = 0; i < x.length; i++) {
    const at = x[i] as number
    if (i > 0 && (buckets.step[i] as number) - (buckets.step[i - 1] as number) > widest) {
      columns.x.push(((x[i - 1] as number) + at) / 2)
      columns.min.push(null)
      columns.max.push(null)
      columns.last.push(null)
    }
    columns.x.push(at)
    const max = drawable(buckets.max[i] as number | null)
    columns.max.push(max)
    columns.min.push(drawable(buckets.min[i] as number | null) ?? max)
    columns.last.push(drawable(buckets.last[i] as number))
  }
  return columns
}

/**
 * An exponential moving average in which a reading weighs half as much for every `halfLife` of x that it lies back, however
 * unevenly readings are spaced; from the first one on unbiased. On a log axis (`log`) it is that of the logarithms.
 */
export function smoothed(x: readonly number[], values: Column, halfLife: number, log: boolean): Column {
  let sum = 0
  let weight = 0
  let before = x[0] ?? 0
  return values.map((value, i) => {
    if (value === null) return null
    const decay = 2 ** (-((x[i] as number) - before) / halfLife)
    before = x[i] as number
    sum = sum * decay + (log ? Math.log(value) : value)
    weight = weight * decay + 1
    return log ? Math.exp(sum / weight) : sum / weight
  })
}

/** The stretches, both ends inclusive, in which buckets have a smallest and a larger largest reading: those that show as a band. */
export function bandRuns(min: Column, max: Column): [first: number, last: number][] {
  const runs: [number, number][] = []
  let first = -1
  let isWide = false
  for (let i = 0; i <= min.length; i++) {
    const isThere = min[i] != null && max[i] != null
    if (isThere && first < 0) first = i
    if (isThere) isWide ||= min[i] !== max[i]
    else if (first >= 0) {
      if (isWide) runs.push([first, i - 1])
      first = -1
      isWide = false
    }
  }
  return runs
}

/** Where NaN and ±Infinity were read, and how often. */
export function marksOfNonfinite(buckets: MetricBuckets, x: readonly number[]): Mark[] {
  return x.flatMap((at, i) => {
    const count = buckets.nonfinite[i] as number
    return count > 0 ? [{ x: at, count }] : []
  })
}

/** Buckets whose smallest reading is 0 or less, for a log axis. The buckets do not say how many steps: no counts. */
export function marksAtOrBelowZero(buckets: MetricBuckets, x: readonly number[]): Mark[] {
  return x.flatMap((at, i) => {
    const min = buckets.min[i]
    return min != null && min <= 0 ? [{ x: at, count: 0 }] : []
  })
}

/** Marks that would overlap when drawn, as one with the sum of their counts; `toPixels` maps x to pixels. */
export function mergeMarks(marks: readonly Mark[], toPixels: (x: number) => number, apart: number): Mark[] {
  const merged: Mark[] = []
  for (const mark of marks) {
    const before = merged.at(-1)
    if (before !== undefined && toPixels(mark.x) - toPixels(before.x) < apart) {
      merged[merged.length - 1] = { x: before.x, count: before.count + mark.count }
    } else merged.push(mark)
  }
  return merged
}

/** The cap at each x: the last one logged at or before it (`caps`), else the run's own; `null` without a cap. */
export function capColumn(
  x: readonly number[],
  caps: { readonly x: readonly number[]; readonly values: readonly number[] },
  runCap: number | null,
): Column {
  let next = 0
  let cap = runCap
  return x.map((at) => {
    while (next < caps.x.length && (caps.x[next] as number) <= at) {
      const value = capOfStep(caps.values[next++], runCap ?? Infinity)
      cap = Number.isFinite(value) ? value : null
    }
    return cap
  })
}

/** The norm after clipping, `min(norm, cap)`; a norm without a cap is left as it was. */
export function postClip(norm: Column, cap: Column): Column {
  return norm.map((value, i) => (value === null ? null : Math.min(value, cap[i] ?? Infinity)))
}

/** Per bucket the share of steps that were over the cap. */
export function ribbonCells(buckets: MetricBuckets, x: readonly number[]): RibbonCell[] {
  const distance = usualDistance(x)
  return x.map((from, i) => {
    const next = x[i + 1] ?? from + distance
    return {
      from,
      to: Math.min(next, from + 3 * distance),
      share: (buckets.over[i] as number) / Math.max(1, judgedOf(buckets, i)),
    }
  })
}

/** Steps of a bucket that could be over the cap: a norm that is not finite is not judged. */
export function judgedOf({ count, nonfinite, over }: MetricBuckets, i: number): number {
  return Math.max(over[i] as number, (count[i] as number) - (nonfinite[i] as number))
}

/**
 * Share of clipped points among the last `window` points judged, up to and with each bucket (at least the bucket
 * itself, so that coarse buckets give their own share). `null` until a full window has been read.
 */
export function clipRate(buckets: MetricBuckets, window: number): Column {
  let over = 0
  let judged = 0
  let first = 0
  return buckets.step.map((_, i) => {
    over += buckets.over[i] as number
    judged += judgedOf(buckets, i)
    while (first < i && judged - judgedOf(buckets, first) >= window) {
      over -= buckets.over[first] as number
      judged -= judgedOf(buckets, first++)
    }
    return judged >= window ? over / judged : null
  })
}

/** The index whose x is nearest, or -1 in an empty list. `x` ascends. */
export function nearest(x: readonly number[], at: number): number {
  let low = 0
  let high = x.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((x[middle] as number) <= at) low = middle
    else high = middle
  }
  if (high < 0) return -1
  return Math.abs((x[high] as number) - at) < Math.abs((x[low] as number) - at) ? high : low
}

/** The median distance of two neighbours; 1 for fewer than two. */
function usualDistance(x: readonly number[]): number {
  if (x.length < 2) return 1
  const distances = x.slice(1).map((at, i) => at - (x[i] as number))
  distances.sort((a, b) => a - b)
  return distances[distances.length >> 1] || 1
}
