import type { AlignedData } from 'uplot'
import { chartColumns, type AxisMode } from '#lib/chart/columns.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

/** What the x axis of compared runs counts: they have no wall time in common. `loss`: the loss reached, falling to the right. */
export type OverlayMode = Extract<AxisMode, 'step' | 'elapsed'> | 'loss'

/** One run's metric in a chart of several, and where on the x axis its buckets are, ascending. */
export interface OverlaidRun {
  readonly buckets: MetricBuckets
  readonly x: readonly number[]
}

/**
 * The runs on one x axis: the positions of all of them, ascending, then largest, smallest and last readings run by run.
 * `undefined` where another run has a position, `null` where a line breaks.
 */
export function overlay(runs: readonly OverlaidRun[], log: boolean): AlignedData {
  const columns = runs.map(({ buckets, x: own }) => chartColumns(buckets, own, log))
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
export function extent(runs: readonly OverlaidRun[]): { min: number; max: number } {
  const ends = runs.flatMap(({ x }) => (x.length === 0 ? [] : [x[0] as number, x.at(-1) as number]))
  return ends.length === 0 ? { min: 0, max: 1 } : { min: Math.min(...ends), max: Math.max(...ends) }
}
