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
 * The cells of a leaf with some of its metrics, as bytes that stand until the next call; with their steps and times only if
 * `withSteps`. What equals the usual value is left out.
 */
export function encodeCells(
  leaf: Rows & Interval,
  metrics: readonly number[],
  withSteps: boolean,
): Uint8Array {
  const bounds = cellBounds(leaf)
  const count = bounds.length - 1
  const step = new Float64Array(count)
  const time = new Float64Array(count)
  const rows = new Float64Array(count)
  for (let cell = 0; cell < count; cell++) {
    const from = bounds[cell] as number
    step[cell] = leaf.step[from] as number
    time[cell] = leaf.time[from] as number
    rows[cell] = (bounds[cell + 1] as number) - from
  }
  const columns = new Map<number, MetricColumn>()
  /** Without what is usual, as that says nothing. */
  const put = (key: number, values: Float64Array, usual?: Float64Array): void => {
    if (usual === undefined || !isSame(values, usual)) columns.set(key, { values, present: null })
  }
  const none = new Float64Array(count)
  if (withSteps) put(ROWS, rows)
  for (const metric of metrics) {
    const cells = summariseCells(leaf, leaf.columns.get(metric) as MetricColumn, bounds)
    put(keyOf(metric, 'min'), cells.min)
    put(keyOf(metric, 'max'), cells.max)
    put(keyOf(metric, 'mean'), cells.mean)
    put(keyOf(metric, 'last'), cells.last)
    put(keyOf(metric, 'count'), cells.count, rows)
    put(keyOf(metric, 'nonfinite'), cells.nonfinite, none)
    put(keyOf(metric, 'firstTime'), cells.firstTime, time)
  }
  return encodeRows({ count, step, time, columns }, columns.keys(), withSteps)
}

/** What `Cells` gives of each cell of a column, in lists. */
function summariseCells(
  leaf: Rows,
  column: MetricColumn,
  bounds: readonly number[],
): Record<Field, Float64Array> {
  const list = () => new Float64Array(bounds.length - 1)
  const [min, max, mean, last] = [list(), list(), list(), list()]
  const [count, nonfinite, firstTime] = [list(), list(), list()]
  for (let cell = 0; cell < min.length; cell++) {
    const summary = summariseColumn(leaf, column, bounds[cell], bounds[cell + 1])
    min[cell] = summary.min
    max[cell] = summary.max
    mean[cell] = shortened(summary.mean)
    last[cell] = summary.last
    count[cell] = summary.count
    nonfinite[cell] = summary.nonfinite
    firstTime[cell] = summary.firstTime
  }
  return { min, max, mean, last, count, nonfinite, firstTime }
}

function isSame(a: Float64Array, b: Float64Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
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
