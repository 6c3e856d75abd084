import type { AlignedData } from 'uplot'
import { chartColumns, xOf, type AxisMode } from '#lib/chart/columns.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

/** What the x axis of compared runs counts: they have no wall time in common. */
export type OverlayMode = Extract<AxisMode, 'step' | 'elapsed'>

/** One run's metric in a chart of several; `startedAt` is the Unix second of its first point. */
export interface OverlaidRun {
  readonly buckets: MetricBuckets
  readonly startedAt: number
}

/**
 * The runs on one x axis: the positions of all of them, ascending, then largest, smallest and last readings run by run.
 * `undefined` where another run has a position, `null` where a line breaks.
 */
export function overlay(runs: readonly OverlaidRun[], mode: OverlayMode, log: boolean): AlignedData {
  const columns = runs.map(({ buckets, startedAt }) =>
    chartColumns(buckets, xOf(buckets, mode, startedAt), log),
  )
  const x = [...new Set(columns.flatMap((run) => run.x))].sort((a, b) => a - b)
  const place = new Map(x.map((at, i) => [at, i]))
  const spread = (own: readonly number[], values: readonly (number | null)[]) => {
    const out = new Array<number | null | undefined>(x.length).fill(undefined)
    own.forEach((at, i) => (out[place.get(at) as number] = values[i] ?? null))
    return out
  }
  return [x, ...columns.flatMap(({ x: own, max, min, last }) => [max, min, last].map((y) => spread(own, y)))]
}

/** Both ends of the x axis that shows all of the runs. */
export function extent(runs: readonly OverlaidRun[], mode: OverlayMode): { min: number; max: number } {
  const ends = runs.flatMap(({ buckets, startedAt }) => {
    const x = xOf(buckets, mode, startedAt)
    return x.length === 0 ? [] : [x[0] as number, x.at(-1) as number]
  })
  return ends.length === 0 ? { min: 0, max: 1 } : { min: Math.min(...ends), max: Math.max(...ends) }
}
