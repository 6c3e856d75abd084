import type { MetricColumn } from '@normwatch/protocol'
import { cellSize, type Interval } from './dyadic.ts'
import { encodeRows } from './encode-rows.ts'
import { rowFrom, type Rows } from './rows.ts'
import { summariseColumn, type MetricSummary } from './summary.ts'

/** Keys of the columns of cells: the points of a cell, then eight keys a metric. */
const ROWS = 0
const FIELDS = ['min', 'max', 'mean', 'last', 'count', 'nonfinite', 'firstTime'] as const
type Field = (typeof FIELDS)[number]
const keyOf = (metric: number, field: Field): number => 8 * (metric + 1) + FIELDS.indexOf(field)

/**
 * Summaries of the cells of a leaf that hold a point, as rows: `step` and `time` are those of a cell's first point. So
 * they are stored in the form of points.
 */
export class Cells {
  readonly rows: Rows

  constructor(rows: Rows) {
    this.rows = rows
  }

  /** The cells of a metric; `undefined` when no cell has a reading of it. */
  metric(metric: number): ((cell: number) => Omit<MetricSummary, 'lastStep'>) | undefined {
    const { columns, time } = this.rows
    const values = (field: Field) => columns.get(keyOf(metric, field))?.values
    const [min, max, mean, last] = [values('min'), values('max'), values('mean'), values('last')]
    if (!min || !max || !mean || !last) return undefined
    const count = values('count') ?? (columns.get(ROWS) as MetricColumn).values
    const nonfinite = values('nonfinite')
    const firstTime = values('firstTime') ?? time
    return (cell) => ({
      count: count[cell] as number,
      nonfinite: nonfinite?.[cell] ?? 0,
      min: min[cell] as number,
      max: max[cell] as number,
      mean: mean[cell] as number,
      last: last[cell] as number,
      firstTime: firstTime[cell] as number,
    })
  }
}

/** The keys of all columns that `Cells` reads for these metrics. */
export const cellKeys = (metrics: Iterable<number>): Set<number> =>
  new Set([ROWS, ...Array.from(metrics, (metric) => FIELDS.map((field) => keyOf(metric, field))).flat()])

/**
 * The cells of a leaf with some of its metrics, as bytes; with their steps and times only if `withSteps`. What equals the usual value is left out.
 */
export function encodeCells(
  leaf: Rows & Interval,
  metrics: readonly number[],
  withSteps: boolean,
): Uint8Array {
  const bounds = cellBounds(leaf)
  const first = bounds.slice(0, -1)
  const end = (cell: number): number => bounds[cell + 1] as number
  const columns = new Map<number, MetricColumn>()
  /** A column of what `value` says of each cell, unless it says no more than `usual` does. */
  const put = (key: number, value: (cell: number) => number, usual?: (cell: number) => number): void => {
    const values = new Float64Array(first.length)
    for (let cell = 0; cell < values.length; cell++) values[cell] = value(cell)
    if (usual !== undefined && values.every((value, cell) => value === usual(cell))) return
    columns.set(key, { values, present: null })
  }
  const rowsOf = (cell: number): number => end(cell) - (first[cell] as number)
  const timeOf = (cell: number): number => leaf.time[first[cell] as number] as number
  const none = (): number => 0
  if (withSteps) put(ROWS, rowsOf)
  for (const metric of metrics) {
    const column = leaf.columns.get(metric) as MetricColumn
    const summaries = first.map((from, cell) => summariseColumn(leaf, column, from, end(cell)))
    const of = (field: Field) => (cell: number) => (summaries[cell] as MetricSummary)[field]
    put(keyOf(metric, 'min'), of('min'))
    put(keyOf(metric, 'max'), of('max'))
    put(keyOf(metric, 'mean'), (cell) => shortened(of('mean')(cell)))
    put(keyOf(metric, 'last'), of('last'))
    put(keyOf(metric, 'count'), of('count'), rowsOf)
    put(keyOf(metric, 'nonfinite'), of('nonfinite'), none)
    put(keyOf(metric, 'firstTime'), of('firstTime'), timeOf)
  }
  const pick = (list: Float64Array) => Float64Array.from(first, (row) => list[row] as number)
  return encodeRows(
    { count: first.length, step: pick(leaf.step), time: pick(leaf.time), columns },
    columns.keys(),
    withSteps,
  )
}

/** The first row of each cell that holds a point, and the count of rows behind them. */
function cellBounds(leaf: Rows & Interval): number[] {
  const size = cellSize(leaf.exponent)
  const bounds = [0]
  for (let row = 0; row < leaf.count;) {
    row = rowFrom(leaf, (Math.floor((leaf.step[row] as number) / size) + 1) * size)
    bounds.push(row)
  }
  return bounds
}

/** A mean as float32, which halves it, where that changes it by less than 1e-7 of itself. */
function shortened(mean: number): number {
  const size = Math.abs(mean)
  return size > 1e-30 && size < 1e38 ? Math.fround(mean) : mean
}
