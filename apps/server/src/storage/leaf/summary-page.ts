import { partKey, summaryOfCounts, type OverCounts } from './over-counts.ts'
import type { LeafSummary, MetricSummary } from './summary.ts'

/** Most leaves of one page. */
const PAGE_LEAVES = 32
/** The least, and the summaries of metrics that pages of one leaf's blocks hold together: all are written again with each new leaf. */
const LEAST_PAGE_LEAVES = 4
const SUMMARIES_TOGETHER = 8_192

/** Most leaves of one page of a run with so many metrics. */
export const leavesAPage = (metrics: number): number =>
  Math.max(LEAST_PAGE_LEAVES, Math.min(PAGE_LEAVES, Math.floor(SUMMARIES_TOGETHER / metrics)))

const LEAF_FIELDS = [
  'start',
  'exponent',
  'count',
  'firstStep',
  'lastStep',
  'stride',
  'minTime',
  'maxTime',
  'over',
  'judged',
  'lowCells',
  'highCells',
] as const satisfies readonly (keyof LeafSummary)[]
const METRIC_FIELDS = [
  'count',
  'nonfinite',
  'min',
  'max',
  'mean',
  'last',
  'lastStep',
  'firstTime',
] as const satisfies readonly (keyof MetricSummary)[]

const LEAF_WIDTH = LEAF_FIELDS.length
/** Numbers of a leaf's metric. */
export const METRIC_WIDTH = METRIC_FIELDS.length

/** Where a field stands in the numbers of a leaf, or of a leaf's metric. */
export const LEAF = positions(LEAF_FIELDS)
export const METRIC = positions(METRIC_FIELDS)

function positions<T extends string>(fields: readonly T[]): Readonly<Record<T, number>> {
  return Object.fromEntries(fields.map((field, at) => [field, at])) as Record<T, number>
}

/**
 * Summaries of neighbouring leaves, ascending by start, packed as float64: `leaves` holds 12 numbers a leaf, each of
 * `metrics` 8 numbers a leaf (count 0 where the leaf has no reading of it).
 */
export class SummaryPage {
  readonly count: number
  readonly leaves: Float64Array
  readonly metrics: Map<number, Float64Array>

  constructor(count: number, leaves: Float64Array, metrics: Map<number, Float64Array>) {
    this.count = count
    this.leaves = leaves
    this.metrics = metrics
  }

  leaf(at: number, field: number): number {
    return this.leaves[at * LEAF_WIDTH + field] as number
  }

  metric(metric: number, at: number, field: number): number {
    return this.metrics.get(metric)?.[at * METRIC_WIDTH + field] ?? 0
  }

  get firstStart(): number {
    return this.leaf(0, LEAF.start)
  }

  /** The last leaf that starts at `step` or below; -1 where none does. */
  lastFrom(step: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.leaf(middle, LEAF.start) <= step) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Puts in other counts of steps over the cap of a stream, the first of which is the run's own. */
  recount(stream: number, at: number, counts: OverCounts): void {
    if (stream === 0) {
      const { over, judged, lowCells, highCells } = counts
      this.leaves.set([over, judged, lowCells, highCells], at * LEAF_WIDTH + LEAF.over)
      return
    }
    const key = partKey(stream - 1)
    let numbers = this.metrics.get(key)
    if (numbers === undefined) this.metrics.set(key, (numbers = new Float64Array(this.count * METRIC_WIDTH)))
    const summary = summaryOfCounts(counts)
    METRIC_FIELDS.forEach((field, k) => (numbers[at * METRIC_WIDTH + k] = summary[field]))
  }
}

/** The numbers of leaf `at` of a page. */
interface Packed {
  readonly page: SummaryPage
  readonly at: number
}
/** Where a leaf's numbers come from: a page, or its summary made just now. */
type Source = Packed | LeafSummary

const isStored = (source: Source): source is Packed => 'page' in source
const startOf = (source: Source): number =>
  isStored(source) ? source.page.leaf(source.at, LEAF.start) : source.start

/** A page of these summaries. */
function pack(sources: readonly Source[]): SummaryPage {
  const leaves = new Float64Array(sources.length * LEAF_WIDTH)
  const metrics = new Map<number, Float64Array>()
  const numbersOf = (metric: number): Float64Array => {
    let numbers = metrics.get(metric)
    if (numbers === undefined)
      metrics.set(metric, (numbers = new Float64Array(sources.length * METRIC_WIDTH)))
    return numbers
  }
  sources.forEach((source, i) => {
    if (isStored(source)) {
      const { page, at } = source
      leaves.set(page.leaves.subarray(at * LEAF_WIDTH, (at + 1) * LEAF_WIDTH), i * LEAF_WIDTH)
      for (const [metric, numbers] of page.metrics) {
        if (numbers[at * METRIC_WIDTH + METRIC.count] === 0) continue
        numbersOf(metric).set(numbers.subarray(at * METRIC_WIDTH, (at + 1) * METRIC_WIDTH), i * METRIC_WIDTH)
      }
      return
    }
    LEAF_FIELDS.forEach((field, k) => (leaves[i * LEAF_WIDTH + k] = source[field]))
    for (const [metric, summary] of source.metrics) {
      const numbers = numbersOf(metric)
      METRIC_FIELDS.forEach((field, k) => (numbers[i * METRIC_WIDTH + k] = summary[field]))
    }
  })
  return new SummaryPage(sources.length, leaves, metrics)
}

/**
 * A page without the leaves that started at `removed`, with `added` (ascending by start) in their order: as several
 * pages where they are more than `most`.
 */
export function editPage(
  page: SummaryPage,
  removed: ReadonlySet<number>,
  added: readonly LeafSummary[],
  most = PAGE_LEAVES,
): SummaryPage[] {
  const kept: Source[] = []
  for (let at = 0; at < page.count; at++) {
    if (!removed.has(page.leaf(at, LEAF.start))) kept.push({ page, at })
  }
  const sources = [...kept, ...added].sort((a, b) => startOf(a) - startOf(b))
  const growsAtEnd = sources.length > 0 && !isStored(sources[sources.length - 1] as Source)
  const size = growsAtEnd ? most : Math.ceil(sources.length / Math.ceil(sources.length / most))
  const pages: SummaryPage[] = []
  for (let from = 0; from < sources.length; from += size) {
    pages.push(pack(sources.slice(from, from + size)))
  }
  return pages
}

/** Two whole numbers (leaves, metrics), the metrics' numbers, then the float64 of the leaves and of each metric. */
export function encodePage({ count, leaves, metrics }: SummaryPage): Uint8Array {
  const numbers = new Float64Array(2 + metrics.size + leaves.length + metrics.size * count * METRIC_WIDTH)
  numbers.set([count, metrics.size, ...metrics.keys()])
  let at = 2 + metrics.size
  for (const list of [leaves, ...metrics.values()]) {
    numbers.set(list, at)
    at += list.length
  }
  return new Uint8Array(numbers.buffer)
}

export function decodePage(bytes: Uint8Array): SummaryPage {
  // copied, since a view of float64 must begin at a multiple of eight
  const numbers = new Float64Array(new Uint8Array(bytes).buffer)
  const [count, metricCount] = numbers as unknown as [number, number]
  let at = 2 + metricCount
  const next = (length: number) => numbers.subarray(at, (at += length))
  const leaves = next(count * LEAF_WIDTH)
  const metrics = new Map<number, Float64Array>()
  for (let i = 0; i < metricCount; i++) {
    metrics.set(numbers[2 + i] as number, next(count * METRIC_WIDTH))
  }
  return new SummaryPage(count, leaves, metrics)
}

/** What a run without a stored leaf has. */
export const EMPTY_PAGE = new SummaryPage(0, new Float64Array(0), new Map())
