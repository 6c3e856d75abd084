import { overOf, type Stream } from './stream.ts'
import type { MetricSummary } from './summary.ts'
import { cellAt, type Interval } from './dyadic.ts'
import type { Rows } from './rows.ts'

/** Above the most points of a leaf. */
const BASE = 2048
const CELLS_A_NUMBER = 4
/** What a step counts in the number that holds its cell. */
const DIGITS = Array.from({ length: CELLS_A_NUMBER }, (_, cell) => BASE ** cell)

/** What an edited cap changes in a leaf: kept together, so that nothing else is rewritten then. */
export interface OverCounts {
  /** Steps over the cap, among the `judged` steps that have a norm and a cap. */
  readonly over: number
  readonly judged: number
  /** Steps over the cap in each cell, as digits to the base 2048: cells 0 to 3, the first lowest, and cells 4 to 7. */
  readonly lowCells: number
  readonly highCells: number
}

export const NONE_OVER = (judged: number): OverCounts => ({ over: 0, judged, lowCells: 0, highCells: 0 })

export function overCounts(rows: Rows, interval: Interval, stream: Stream): OverCounts {
  const overAt = overOf(rows, stream)
  let over = 0
  let judged = 0
  let lowCells = 0
  let highCells = 0
  for (let row = 0; row < rows.count; row++) {
    const verdict = overAt(row)
    if (verdict === undefined) continue
    judged++
    if (!verdict) continue
    over++
    const cell = cellAt(interval, rows.step[row] as number)
    if (cell < CELLS_A_NUMBER) lowCells += DIGITS[cell] as number
    else highCells += DIGITS[cell - CELLS_A_NUMBER] as number
  }
  return { over, judged, lowCells, highCells }
}

/** The digit of one cell. */
export function overOfCell(cell: number, lowCells: number, highCells: number): number {
  const [digits, place] = cell < CELLS_A_NUMBER ? [lowCells, cell] : [highCells, cell - CELLS_A_NUMBER]
  return Math.floor(digits / BASE ** place) % BASE
}

/**
 * The counts of part `i` stand among the summaries of a leaf's metrics in the directory, under a number below 0: so they
 * take no room where there are no parts, and pages have one form.
 */
export const partKey = (i: number): number => -1 - i

export const summaryOfCounts = ({ over, judged, lowCells, highCells }: OverCounts): MetricSummary => ({
  count: judged,
  nonfinite: over,
  min: lowCells,
  max: highCells,
  mean: 0,
  last: 0,
  lastStep: 0,
  firstTime: 0,
})
