import { cellSize } from './dyadic.ts'
import type { LeafRef, RunRecord } from './record.ts'
import { rowFrom, type Rows } from './rows.ts'

/** A leaf's part of the range asked for. */
export interface Span {
  readonly leaf: LeafRef
  /** The first and the last of its steps in the range. */
  readonly first: number
  readonly last: number
  readonly count: number
}

/** Whether every point of the leaf is in the range. */
export const isWhole = ({ leaf, count }: Span): boolean => count === leaf.count

/**
 * The smallest power of two of steps such that at most `maxPoints` buckets, aligned to step 0, hold a point of the
 * spans; 1 when there are no more points than that.
 */
export function bucketSize(record: RunRecord, spans: readonly Span[], maxPoints: number): number {
  const total = spans.reduce((sum, { count }) => sum + count, 0)
  if (total <= maxPoints) return 1
  let size = 2
  while (size * maxPoints < total) size *= 2
  while (atLeast(spans, size) > maxPoints || occupied(record, spans, size) > maxPoints) size *= 2
  return size
}

/** A lower bound of `occupied` that decodes nothing. */
const atLeast = (spans: readonly Span[], size: number): number =>
  countBuckets(spans, size, ({ count }, buckets) => Math.min(buckets, Math.max(2, Math.ceil(count / size))))

const occupied = (record: RunRecord, spans: readonly Span[], size: number): number =>
  countBuckets(spans, size, (span) => {
    const { leaf } = span
    const cells = isWhole(span) && cellSize(leaf.exponent) <= size ? record.cells(leaf.start) : undefined
    return irregular(cells?.rows ?? record.rows(leaf.start), span, size)
  })

function countBuckets(
  spans: readonly Span[],
  size: number,
  ofIrregular: (span: Span, buckets: number) => number,
): number {
  let sum = 0
  let before = -1
  for (const span of spans) {
    const from = Math.floor(span.first / size)
    const to = Math.floor(span.last / size)
    const { stride } = span.leaf
    if (from === to) sum += 1
    else if (stride > size) sum += span.count
    else if (stride > 0) sum += to - from + 1
    else sum += ofIrregular(span, to - from + 1)
    if (from === before) sum -= 1
    before = to
  }
  return sum
}

function irregular(rows: Rows, { first, last }: Span, size: number): number {
  let sum = 0
  let before = -1
  for (let row = rowFrom(rows, first); row < rows.count && (rows.step[row] as number) <= last; row++) {
    const bucket = Math.floor((rows.step[row] as number) / size)
    if (bucket !== before) sum++
    before = bucket
  }
  return sum
}
