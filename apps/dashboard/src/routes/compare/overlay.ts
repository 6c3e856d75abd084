import type { AlignedData } from 'uplot'
import { chartColumns, nearest, smoothed, type AxisMode } from '#lib/chart/columns.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

/** What the x axis of compared runs counts. `loss`: the loss reached, falling to the right. */
export type OverlayMode = AxisMode | 'loss'

/** One run's metric in a chart of several, and where on the x axis its buckets are, ascending. */
export interface OverlaidRun {
  readonly buckets: MetricBuckets
  readonly x: readonly number[]
}

/**
 * The runs on one x axis: the positions of all of them, ascending, then run by run the largest, smallest and last readings, and
 * the last ones smoothed with this half-life in units of x (0: not at all, an empty column). `undefined` where another run has
 * a position, `null` where a line breaks.
 */
export function overlay(runs: readonly OverlaidRun[], log: boolean, halfLife: number): AlignedData {
  const columns = runs.map(({ buckets, x: own }) => chartColumns(buckets, own, log))
  const x = [...new Set(columns.flatMap((run) => run.x))].sort((a, b) => a - b)
  const place = new Map(x.map((at, i) => [at, i]))
  const spread = (own: readonly number[], values: readonly (number | null)[]) => {
    const out = new Array<number | null | undefined>(x.length).fill(undefined)
    own.forEach((at, i) => (out[place.get(at) as number] = values[i] ?? null))
    return out
  }
  return [
    x,
    ...columns.flatMap(({ x: own, max, min, last }) => [
      ...[max, min, last].map((y) => spread(own, y)),
      halfLife > 0 ? spread(own, smoothed(own, last, halfLife, log)) : new Array<null>(x.length).fill(null),
    ]),
  ]
}

/** The reading nearest to `at`; where that is nowhere, the newest, or that at the lowest loss; `undefined` where the run has none. */
export function readingAt(
  { buckets, x }: OverlaidRun,
  at: number | null,
  mode: OverlayMode,
): number | undefined {
  if (at === null) return buckets.last.at(mode === 'loss' ? 0 : -1)
  const isInside = at >= (x[0] ?? Infinity) && at <= (x.at(-1) ?? -Infinity)
  return isInside ? buckets.last[nearest(x, at)] : undefined
}

/** Whether most of what the runs show would be squeezed to a line on a linear axis, and all of it has a place on a log one. */
export function isBestOnLog(runs: readonly OverlaidRun[]): boolean {
  const values = runs.flatMap(({ buckets }) => buckets.last.filter(Number.isFinite)).sort((a, b) => a - b)
  const [least = 0, middle = 0, most = 0] = [values[0], values[values.length >> 1], values.at(-1)]
  return least > 0 && most > 15 * middle
}

/** Both ends of the x axis that shows all of the runs. */
export function extent(runs: readonly OverlaidRun[]): { min: number; max: number } {
  const ends = runs.flatMap(({ x }) => (x.length === 0 ? [] : [x[0] as number, x.at(-1) as number]))
  return ends.length === 0 ? { min: 0, max: 1 } : { min: Math.min(...ends), max: Math.max(...ends) }
}
