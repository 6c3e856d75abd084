import { clippedAbove, clipRule, isClipped, type ClipRule } from '@normwatch/detector'
import type { Clip, MetricColumn } from '@normwatch/protocol'
import type { Rows } from './rows.ts'

/** A stream of gradients, that of a run or of one of its parts: its metrics by number, and when a step counts as clipped. */
export interface Stream {
  /** `null`: that of the run itself. */
  readonly part: string | null
  readonly gradNorm: number | undefined
  readonly loss: number | undefined
  readonly maxNorm: number | undefined
  readonly clipFraction: number | undefined
  readonly rule: ClipRule
}

/** Whether steps count as clipped by the same rule under both. */
export function isSameRule(a: Clip, b: Clip): boolean {
  const [one, other] = [clipRule(a), clipRule(b)]
  return one.by === 'norm'
    ? other.by === 'norm' && one.cap === other.cap
    : other.by === 'fraction' && one.threshold === other.threshold
}

/** The metrics that decide whether a step of the stream was clipped. */
export const decidingMetrics = ({ gradNorm, maxNorm, clipFraction }: Stream): number[] =>
  [gradNorm, maxNorm, clipFraction].filter((metric) => metric !== undefined)

const columnOf = (rows: Rows, metric: number | undefined): MetricColumn | undefined =>
  metric === undefined ? undefined : rows.columns.get(metric)

export const hasReading = (column: MetricColumn, row: number): boolean =>
  column.present === null || column.present[row] === 1

const readingOf = (column: MetricColumn | undefined, row: number): number | undefined =>
  column !== undefined && hasReading(column, row) ? column.values[row] : undefined

/** Whether a row's step was clipped; `undefined` if unknown. A step's own `max_norm` takes precedence over the run's cap. */
export function overOf(rows: Rows, stream: Stream): (row: number) => boolean | undefined {
  const norm = columnOf(rows, stream.gradNorm)
  const caps = columnOf(rows, stream.maxNorm)
  const fraction = columnOf(rows, stream.clipFraction)
  const { rule } = stream
  if (rule.by === 'norm' ? norm === undefined : fraction === undefined) return () => undefined
  if (rule.by === 'norm' && norm?.present === null && caps === undefined) {
    // by far the most rows: the same rule, with nothing to look up for each
    const { values } = norm
    const above = clippedAbove(rule.cap)
    return (row) => (Number.isFinite(values[row]) ? (values[row] as number) > above : undefined)
  }
  return (row) => isClipped(rule, readingOf(norm, row), readingOf(caps, row), readingOf(fraction, row))
}

/** What rows add to the totals of their run. */
export interface Tally {
  points: number
  /** Readings of norm and loss that are not finite, of all streams. */
  nonfinite: number
  /** Of each stream: steps over the cap, of `judged` steps of which that can be said. */
  readonly over: number[]
  readonly judged: number[]
}

export const emptyTally = (streams: readonly Stream[]): Tally => ({
  points: 0,
  nonfinite: 0,
  over: streams.map(() => 0),
  judged: streams.map(() => 0),
})

/** Adds `sign` times the tally of the rows from `from` on. */
export function tallyRows(
  tally: Tally,
  rows: Rows,
  streams: readonly Stream[],
  sign: 1 | -1,
  from = 0,
): void {
  tally.points += sign * (rows.count - from)
  streams.forEach((stream, i) => {
    for (const metric of [stream.gradNorm, stream.loss]) {
      const column = columnOf(rows, metric)
      if (column === undefined) continue
      for (let row = from; row < rows.count; row++) {
        if (hasReading(column, row) && !Number.isFinite(column.values[row])) tally.nonfinite += sign
      }
    }
    const overAt = overOf(rows, stream)
    let [over, judged] = [0, 0]
    for (let row = from; row < rows.count; row++) {
      const verdict = overAt(row)
      if (verdict === undefined) continue
      judged++
      if (verdict) over++
    }
    tally.judged[i] = (tally.judged[i] as number) + sign * judged
    tally.over[i] = (tally.over[i] as number) + sign * over
  })
}
