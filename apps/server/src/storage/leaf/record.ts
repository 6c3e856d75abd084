import type { Cells } from './cells.ts'
import { overOfCell, partKey } from './over-counts.ts'
import type { Rows } from './rows.ts'
import type { Stream } from './stream.ts'
import { LEAF, METRIC, type SummaryPage } from './summary-page.ts'

/** The points of a run as charts read them: summaries in memory, the rows of single leaves on demand. */
export interface RunRecord {
  /** That of the run, then those of its parts. */
  readonly streams: readonly Stream[]
  /** Pages that hold every leaf of the range asked for, ascending, and perhaps neighbours. */
  readonly directory: readonly SummaryPage[]
  /** Pages with the summaries of one metric; leaves without it may be missing. */
  pagesOf(metric: number): readonly SummaryPage[]
  /** The cells of the leaf that starts there; `undefined` where its rows are cached. */
  cells(start: number): Cells | undefined
  /** The rows of the leaf that starts there, with the metrics asked for at least. */
  rows(start: number): Rows
}

/** A leaf of the record, by its place in the directory. */
export class LeafRef {
  readonly page: SummaryPage
  readonly at: number

  constructor(page: SummaryPage, at: number) {
    this.page = page
    this.at = at
  }

  get start(): number {
    return this.page.leaf(this.at, LEAF.start)
  }
  get exponent(): number {
    return this.page.leaf(this.at, LEAF.exponent)
  }
  /** Steps over the cap of a stream, the first of which is the run's own. */
  over(stream: number): number {
    return this.#counts(stream, LEAF.over, METRIC.nonfinite)
  }
  /** The same in one of its cells. */
  overOfCell(stream: number, cell: number): number {
    return overOfCell(
      cell,
      this.#counts(stream, LEAF.lowCells, METRIC.min),
      this.#counts(stream, LEAF.highCells, METRIC.max),
    )
  }
  #counts(stream: number, own: number, ofPart: number): number {
    return stream === 0
      ? this.page.leaf(this.at, own)
      : this.page.metric(partKey(stream - 1), this.at, ofPart)
  }
  get count(): number {
    return this.page.leaf(this.at, LEAF.count)
  }
  get firstStep(): number {
    return this.page.leaf(this.at, LEAF.firstStep)
  }
  get lastStep(): number {
    return this.page.leaf(this.at, LEAF.lastStep)
  }
  get stride(): number {
    return this.page.leaf(this.at, LEAF.stride)
  }
}

/** The leaves that hold a point, ascending. */
export function* leavesOf(pages: readonly SummaryPage[]): Generator<LeafRef> {
  for (const page of pages) {
    for (let at = 0; at < page.count; at++) yield new LeafRef(page, at)
  }
}

/** The first and the last step logged from `fromTime` to `toTime` (Unix seconds, inclusive); `undefined` without one. */
export function stepsBetweenTimes(
  record: RunRecord,
  fromTime: number,
  toTime: number,
): { from: number; to: number } | undefined {
  const leaves = [...leavesOf(record.directory)].filter(
    ({ page, at }) => page.leaf(at, LEAF.minTime) <= toTime && page.leaf(at, LEAF.maxTime) >= fromTime,
  )
  const stepsOf = ({ start }: LeafRef): Float64Array => {
    const { step, time, count } = record.rows(start)
    return step
      .subarray(0, count)
      .filter((_, row) => (time[row] as number) >= fromTime && (time[row] as number) <= toTime)
  }
  for (const leaf of leaves) {
    const first = stepsOf(leaf)[0]
    if (first === undefined) continue
    for (const other of leaves.toReversed()) {
      const last = stepsOf(other).at(-1)
      if (last !== undefined) return { from: first, to: last }
    }
  }
  return undefined
}
