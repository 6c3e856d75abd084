import { metricOf, type Series, type SeriesReply } from '@normwatch/protocol'
import { bucketSize, isWhole, type Span } from './bucket-size.ts'
import { BucketSeries, type ChartSummary } from './bucket-series.ts'
import type { Cells } from './cells.ts'
import { cellAt, cellSize } from './dyadic.ts'
import { leavesOf, type LeafRef, type RunRecord } from './record.ts'
import { rowFrom } from './rows.ts'
import { hasReading, overOf, type Stream } from './stream.ts'
import { LEAF, METRIC, METRIC_WIDTH, type SummaryPage } from './summary-page.ts'

/** A requested metric; `number` is `undefined` if the run does not have it. */
export interface ChartMetric {
  readonly name: string
  readonly number: number | undefined
}

/** What all series of a chart share. */
export type ChartFrame = Pick<SeriesReply, 'from' | 'to' | 'total' | 'bucket'>

/** Steps, both inclusive; left out: from the first, to the last. */
interface ChartRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** The frame of these spans of a range, in at most `maxPoints` buckets a metric. */
export function frameOf(
  record: RunRecord,
  spans: readonly Span[],
  range: ChartRange,
  maxPoints: number,
): ChartFrame {
  const from = range.from ?? spans[0]?.first ?? 0
  const to = range.to ?? spans.at(-1)?.last ?? from
  const total = spans.reduce((sum, { count }) => sum + count, 0)
  return { from, to, total, bucket: bucketSize(record, spans, maxPoints) }
}

/** The series of these metrics. */
export function drawSeries(
  record: RunRecord,
  spans: readonly Span[],
  metrics: readonly ChartMetric[],
  bucket: number,
): [name: string, Series][] {
  return metrics.map(({ name, number }) => {
    const at = record.streams.findIndex(({ part }) => metricOf('grad_norm', part) === name)
    const stream = at < 0 ? undefined : at
    const series =
      number === undefined
        ? new BucketSeries(bucket, stream !== undefined).finish()
        : seriesOf(record, spans, number, bucket, stream)
    return [name, series]
  })
}

/** What each leaf has in the range. */
export function spansOf(record: RunRecord, { from = 0, to = Infinity }: ChartRange): Span[] {
  const spans: Span[] = []
  for (const leaf of leavesOf(record.directory)) {
    const span = clipped(record, leaf, from, to)
    if (span !== undefined) spans.push(span)
  }
  return spans
}

function clipped(record: RunRecord, leaf: LeafRef, from: number, to: number): Span | undefined {
  const { firstStep, lastStep, count } = leaf
  if (lastStep < from || firstStep > to) return undefined
  if (firstStep >= from && lastStep <= to) return { leaf, first: firstStep, last: lastStep, count }
  const rows = record.rows(leaf.start)
  const low = rowFrom(rows, from)
  const high = rowFrom(rows, to + 1)
  if (low >= high) return undefined
  return {
    leaf,
    first: rows.step[low] as number,
    last: rows.step[high - 1] as number,
    count: high - low,
  }
}

function seriesOf(
  record: RunRecord,
  spans: readonly Span[],
  metric: number,
  bucket: number,
  /** Whose steps over the cap are counted with the metric, if any. */
  stream: number | undefined,
): Series {
  const series = new BucketSeries(bucket, stream !== undefined)
  const summaries = new SummaryCursor(record.pagesOf(metric), metric)
  for (const span of spans) {
    const { leaf } = span
    if (!isWhole(span)) addRows(series, record, span, metric, stream)
    else if (Math.floor(span.first / bucket) === Math.floor(span.last / bucket)) {
      const over = stream === undefined ? 0 : leaf.over(stream)
      if (summaries.find(leaf.start)) series.addSummary(span.first, summaries, over)
      else if (over > 0) series.addOver(span.first, over)
    } else {
      const cells = cellSize(leaf.exponent) <= bucket ? record.cells(leaf.start) : undefined
      if (cells === undefined) addRows(series, record, span, metric, stream)
      else addCells(series, leaf, cells, metric, stream)
    }
  }
  return series.finish()
}

function addCells(
  series: BucketSeries,
  leaf: LeafRef,
  cells: Cells,
  metric: number,
  stream: number | undefined,
): void {
  const summaryOf = cells.metric(metric)
  const { rows } = cells
  for (let cell = 0; cell < rows.count; cell++) {
    const step = rows.step[cell] as number
    const over = stream === undefined ? 0 : leaf.overOfCell(stream, cellAt(leaf, step))
    const summary = summaryOf?.(cell)
    if (summary !== undefined && summary.count > 0) series.addSummary(step, summary, over)
    else if (over > 0) series.addOver(step, over)
  }
}

function addRows(
  series: BucketSeries,
  record: RunRecord,
  { leaf, first, last }: Span,
  metric: number,
  stream: number | undefined,
): void {
  const rows = record.rows(leaf.start)
  const column = rows.columns.get(metric)
  const over = stream === undefined ? undefined : overOf(rows, record.streams[stream] as Stream)
  for (let row = rowFrom(rows, first); row < rows.count && (rows.step[row] as number) <= last; row++) {
    const step = rows.step[row] as number
    const isOver = over?.(row) === true ? 1 : 0
    if (column !== undefined && hasReading(column, row)) {
      series.addReading(step, rows.time[row] as number, column.values[row] as number, isOver)
    } else if (isOver === 1) series.addOver(step, isOver)
  }
}

/** Walks the pages of a metric beside the directory, both ascending; it is the summary of the leaf found last. */
class SummaryCursor implements ChartSummary {
  readonly #pages: readonly SummaryPage[]
  readonly #metric: number
  #next = 0
  #page: SummaryPage | undefined
  #numbers: Float64Array | undefined
  #at = 0

  constructor(pages: readonly SummaryPage[], metric: number) {
    this.#pages = pages
    this.#metric = metric
  }

  /** Goes to the leaf that starts there; says whether it has a reading of the metric. */
  find(start: number): boolean {
    for (;;) {
      if (this.#page === undefined || this.#at >= this.#page.count) {
        this.#page = this.#pages[this.#next++]
        if (this.#page === undefined) return false
        this.#numbers = this.#page.metrics.get(this.#metric)
        this.#at = 0
        continue
      }
      const here = this.#page.leaf(this.#at, LEAF.start)
      if (here === start) return this.#numbers !== undefined && this.count > 0
      if (here > start) return false
      this.#at++
    }
  }

  #field(field: number): number {
    return (this.#numbers as Float64Array)[this.#at * METRIC_WIDTH + field] as number
  }
  get count(): number {
    return this.#field(METRIC.count)
  }
  get nonfinite(): number {
    return this.#field(METRIC.nonfinite)
  }
  get min(): number {
    return this.#field(METRIC.min)
  }
  get max(): number {
    return this.#field(METRIC.max)
  }
  get mean(): number {
    return this.#field(METRIC.mean)
  }
  get last(): number {
    return this.#field(METRIC.last)
  }
  get firstTime(): number {
    return this.#field(METRIC.firstTime)
  }
}
