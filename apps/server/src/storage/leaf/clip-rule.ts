import { DEFAULT_FRACTION_THRESHOLD, type Clip, type MetricColumn } from '@normwatch/protocol'
import type { Rows } from './rows.ts'

/** When a step counts as over its cap. */
export type ClipRule =
  | { readonly by: 'norm'; /** Infinity: none. */ readonly cap: number }
  | { readonly by: 'fraction'; readonly threshold: number }

export function clipRule(clip: Clip): ClipRule {
  return clip.mode === 'value'
    ? { by: 'fraction', threshold: clip.fraction_threshold ?? DEFAULT_FRACTION_THRESHOLD }
    : { by: 'norm', cap: clip.max_norm ?? Infinity }
}

export const isSameRule = (a: ClipRule, b: ClipRule): boolean =>
  a.by === 'norm' ? b.by === 'norm' && a.cap === b.cap : b.by === 'fraction' && a.threshold === b.threshold

/** The numbers of the metrics that the store itself reads; `undefined` while the run has none such. */
export interface KnownMetrics {
  readonly gradNorm: number | undefined
  readonly loss: number | undefined
  readonly maxNorm: number | undefined
  readonly clipFraction: number | undefined
}

const columnOf = (rows: Rows, metric: number | undefined): MetricColumn | undefined =>
  metric === undefined ? undefined : rows.columns.get(metric)

export const hasReading = (column: MetricColumn, row: number): boolean =>
  column.present === null || column.present[row] === 1

/**
 * Whether a row's step was over its cap; `undefined` where that cannot be asked: no finite norm, or by fraction no
 * reading of it. A step's own `max_norm` goes before the run's cap.
 */
export function overOf(
  rows: Rows,
  known: KnownMetrics,
  rule: ClipRule,
): (row: number) => boolean | undefined {
  if (rule.by === 'fraction') {
    const fraction = columnOf(rows, known.clipFraction)
    if (fraction === undefined) return () => undefined
    return (row) =>
      hasReading(fraction, row) ? (fraction.values[row] as number) >= rule.threshold : undefined
  }
  const norm = columnOf(rows, known.gradNorm)
  if (norm === undefined) return () => undefined
  const caps = columnOf(rows, known.maxNorm)
  return (row) => {
    const value = norm.values[row] as number
    if (!hasReading(norm, row) || !Number.isFinite(value)) return undefined
    return value > (caps !== undefined && hasReading(caps, row) ? (caps.values[row] as number) : rule.cap)
  }
}

/** Steps over the cap, and steps of which that can be asked, among the rows from `from` on. */
export function countOver(
  rows: Rows,
  known: KnownMetrics,
  rule: ClipRule,
  from = 0,
): { over: number; judged: number } {
  const overAt = overOf(rows, known, rule)
  let over = 0
  let judged = 0
  for (let row = from; row < rows.count; row++) {
    const verdict = overAt(row)
    if (verdict === undefined) continue
    judged++
    if (verdict) over++
  }
  return { over, judged }
}

/** What rows add to the totals of their run. */
export interface Tally {
  points: number
  /** Readings of grad_norm and loss that are not finite. */
  nonfinite: number
  over: number
  /** Steps that `over` could be asked of. */
  judged: number
}

export const NO_TALLY: Readonly<Tally> = { points: 0, nonfinite: 0, over: 0, judged: 0 }

/** Adds `sign` times `other`. */
export function addTally(tally: Tally, other: Readonly<Tally>, sign: 1 | -1): void {
  tally.points += sign * other.points
  tally.nonfinite += sign * other.nonfinite
  tally.over += sign * other.over
  tally.judged += sign * other.judged
}

/** The tally of the rows from `from` on. */
export function tallyRows(rows: Rows, known: KnownMetrics, rule: ClipRule, from = 0): Tally {
  const tally = { ...NO_TALLY, points: rows.count - from }
  for (const metric of [known.gradNorm, known.loss]) {
    const column = columnOf(rows, metric)
    if (column === undefined) continue
    for (let row = from; row < rows.count; row++) {
      if (hasReading(column, row) && !Number.isFinite(column.values[row])) tally.nonfinite++
    }
  }
  return Object.assign(tally, countOver(rows, known, rule, from))
}
