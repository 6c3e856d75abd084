import type { Series, SeriesReply } from '@normwatch/protocol'
import { bucketSize, type Span } from './bucket-size.ts'
import { BucketSeries } from './bucket-series.ts'
import { hasReading, overOf } from './clip-rule.ts'
import { leavesOf, type LeafRef, type RunRecord } from './record.ts'
import { rowFrom } from './rows.ts'
import { LEAF, METRIC, type SummaryPage } from './summary-page.ts'

/** A metric asked for; `number` is `undefined` when the run has none of that name. */
export interface ChartMetric {
  readonly name: string
  readonly number: number | undefined
}

/** The readings from step `from` to `to`, both inclusive (default: all), in at most `maxPoints` buckets a metric. */
export function chart(
  record: RunRecord,
  metrics: readonly ChartMetric[],
  range: { readonly from?: number | undefined; readonly to?: number | undefined },
  maxPoints: number,
): SeriesReply {
  const spans = spansOf(record, range.from ?? 0, range.to ?? Infinity)
  const from = range.from ?? spans[0]?.first ?? 0
  const to = range.to ?? spans.at(-1)?.last ?? from
  const bucket = bucketSize(spans, maxPoints, (start) => record.rows(start))
  const series: Record<string, Series> = {}
  for (const { name, number } of metrics) {
    const withOver = name === 'grad_norm'
    series[name] =
      number === undefined
        ? new BucketSeries(bucket, withOver).finish()
        : seriesOf(record, spans, number, bucket, withOver)
  }
  return { from, to, total: spans.reduce((sum, { count }) => sum + count, 0), bucket, series }
}

function spansOf(record: RunRecord, from: number, to: number): Span[] {
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
  if (low === high) return undefined
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
  withOver: boolean,
): Series {
  const series = new BucketSeries(bucket, withOver)
  const summaries = new SummaryCursor(record.pagesOf(metric))
  for (const span of spans) {
    const { leaf, first, last } = span
    const isWhole = span.count === leaf.count && Math.floor(first / bucket) === Math.floor(last / bucket)
    if (!isWhole) {
      addRows(series, record, span, metric, withOver)
      continue
    }
    const over = withOver ? leaf.page.leaf(leaf.at, LEAF.over) : 0
    const page = summaries.find(leaf.start)
    const count = page?.metric(metric, summaries.at, METRIC.count) ?? 0
    if (page === undefined || count === 0) {
      if (over > 0) series.add(first, NaN, 0, 0, NaN, NaN, NaN, NaN, over)
      continue
    }
    const field = (name: number): number => page.metric(metric, summaries.at, name)
    series.add(
      first,
      field(METRIC.firstTime),
      count,
      field(METRIC.nonfinite),
      field(METRIC.min),
      field(METRIC.max),
      field(METRIC.mean),
      field(METRIC.last),
      over,
    )
  }
  return series.finish()
}

function addRows(
  series: BucketSeries,
  record: RunRecord,
  { leaf, first, last }: Span,
  metric: number,
  withOver: boolean,
): void {
  const rows = record.rows(leaf.start)
  const column = rows.columns.get(metric)
  const over = withOver ? overOf(rows, record.known, record.rule) : undefined
  for (let row = rowFrom(rows, first); row < rows.count && (rows.step[row] as number) <= last; row++) {
    const step = rows.step[row] as number
    const isOver = over?.(row) === true ? 1 : 0
    if (column === undefined || !hasReading(column, row)) {
      if (isOver === 1) series.add(step, NaN, 0, 0, NaN, NaN, NaN, NaN, 1)
      continue
    }
    const value = column.values[row] as number
    const isFinite = Number.isFinite(value)
    const shown = isFinite ? value : NaN
    series.add(step, rows.time[row] as number, 1, isFinite ? 0 : 1, shown, shown, shown, value, isOver)
  }
}

/** Walks the pages of a metric beside the directory, both ascending. */
class SummaryCursor {
  readonly #pages: readonly SummaryPage[]
  #page = 0
  at = 0

  constructor(pages: readonly SummaryPage[]) {
    this.#pages = pages
  }

  /** The page with the summary of the leaf that starts there, at `this.at`. */
  find(start: number): SummaryPage | undefined {
    for (;;) {
      const page = this.#pages[this.#page]
      if (page === undefined) return undefined
      if (this.at >= page.count) {
        this.#page++
        this.at = 0
        continue
      }
      const here = page.leaf(this.at, LEAF.start)
      if (here === start) return page
      if (here > start) return undefined
      this.at++
    }
  }
}
