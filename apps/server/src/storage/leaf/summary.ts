import type { MetricColumn } from '@normwatch/protocol'
import type { Leaf } from './leaf.ts'
import { overCounts, partKey, summaryOfCounts, type OverCounts } from './over-counts.ts'
import { strideOf, type Rows } from './rows.ts'
import { hasReading, type Stream } from './stream.ts'

/** What a chart needs to know of one metric in one leaf. `min`, `max` and `mean` are NaN without a finite reading. */
export interface MetricSummary {
  readonly count: number
  readonly nonfinite: number
  readonly min: number
  readonly max: number
  readonly mean: number
  /** The reading of the highest step (it may be NaN or infinite), and that step. */
  readonly last: number
  readonly lastStep: number
  /** Unix seconds of the reading of the lowest step. */
  readonly firstTime: number
}

/** A leaf without its points. */
export interface LeafSummary extends OverCounts {
  readonly start: number
  readonly exponent: number
  readonly count: number
  readonly firstStep: number
  readonly lastStep: number
  /** The distance of its steps where that is constant, else 0. */
  readonly stride: number
  readonly minTime: number
  readonly maxTime: number
  /** By the metric's number; below 0, see `partKey`, the counts of parts. */
  readonly metrics: ReadonlyMap<number, MetricSummary>
}

/** `streams`: that of the run, then those of its parts. */
export function summarise(leaf: Leaf, [own, ...parts]: readonly [Stream, ...Stream[]]): LeafSummary {
  const { start, exponent, count, step, time } = leaf
  let minTime = Infinity
  let maxTime = -Infinity
  for (let row = 0; row < count; row++) {
    minTime = Math.min(minTime, time[row] as number)
    maxTime = Math.max(maxTime, time[row] as number)
  }
  const metrics = new Map<number, MetricSummary>()
  for (const [metric, column] of leaf.columns) metrics.set(metric, summariseColumn(leaf, column))
  parts.forEach((part, i) => metrics.set(partKey(i), summaryOfCounts(overCounts(leaf, leaf, part))))
  return {
    start,
    exponent,
    count,
    firstStep: step[0] as number,
    lastStep: step[count - 1] as number,
    stride: strideOf(leaf),
    minTime,
    maxTime,
    ...overCounts(leaf, leaf, own),
    metrics,
  }
}

/** The readings of a column from row `from` on, up to and without row `to`. */
export function summariseColumn(rows: Rows, column: MetricColumn, from = 0, to = rows.count): MetricSummary {
  let count = 0
  let finite = 0
  let min = Infinity
  let max = -Infinity
  let sum = 0
  let first = -1
  let last = -1
  for (let row = from; row < to; row++) {
    if (!hasReading(column, row)) continue
    const value = column.values[row] as number
    if (first < 0) first = row
    last = row
    count++
    if (!Number.isFinite(value)) continue
    finite++
    sum += value
    if (value < min) min = value
    if (value > max) max = value
  }
  const isEmpty = finite === 0
  return {
    count,
    nonfinite: count - finite,
    min: isEmpty ? NaN : min,
    max: isEmpty ? NaN : max,
    mean: isEmpty ? NaN : Number.isFinite(sum) ? sum / finite : meanOfHuge(column, from, to, finite),
    last: last < 0 ? NaN : (column.values[last] as number),
    lastStep: last < 0 ? -1 : (rows.step[last] as number),
    firstTime: first < 0 ? NaN : (rows.time[first] as number),
  }
}

/** For values near 1e308, whose sum overflows. */
function meanOfHuge(column: MetricColumn, from: number, to: number, finite: number): number {
  let mean = 0
  for (let row = from; row < to; row++) {
    const value = column.values[row] as number
    if (hasReading(column, row) && Number.isFinite(value)) mean += value / finite
  }
  return mean
}
