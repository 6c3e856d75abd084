import { setImmediate as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { clippedAbove, clipRule } from '@normwatch/detector'
import type { Clip, RunFields } from '@normwatch/protocol'
import { NONE_OVER, overCounts, type OverCounts } from '../leaf/over-counts.ts'
import { decidingMetrics, isSameRule, type Stream } from '../leaf/stream.ts'
import { LEAF, METRIC, type SummaryPage } from '../leaf/summary-page.ts'
import type { RunTables, RunUnits } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { blockOf } from './leaves.ts'
import { rowsOf } from './record-of.ts'
import type { RunCache } from './run-cache.ts'
import { pageIn, storedForm, type PageRow } from './summaries.ts'

/** A run with more points is counted ahead, page by page, while others are served. */
const LARGE = 100_000

/** Caps that are not in force yet, and what was counted under them. */
export interface CountedAhead {
  readonly edits: readonly Edit[]
  /** By the start of the leaf. */
  readonly leaves: Map<number, CountedLeaf>
  /** By the page's first step; only pages whose leaves were all counted. */
  readonly pages: Map<number, CountedPage>
}

interface CountedLeaf {
  /** First step of the leaf's page. */
  readonly page: number
  /** One for each edit. */
  readonly counts: readonly OverCounts[]
}

/** A page of the directory as it was found and as it will be, both as stored, and its sums for each edit. */
interface CountedPage {
  readonly found: Uint8Array
  readonly recounted: Uint8Array
  readonly sums: readonly Readonly<Sum>[]
}

/** Counts that are added up. */
interface Sum {
  over: number
  judged: number
}

/** Another cap for a stream, the first of which is the run's own; `number` is its place among all. */
interface Edit {
  readonly number: number
  readonly stream: Stream
}

/**
 * Recounts the steps over the cap of these streams, whose caps have changed, in the directory and in the totals. The first
 * stream is the run's own. Pages counted ahead are only put in place where they are still as they were found.
 */
export function recount(
  tables: RunTables,
  cache: RunCache,
  cached: CachedRun,
  streams: readonly number[],
  ahead: CountedAhead | undefined,
): void {
  cache.writeOut(cached)
  const edits: Edit[] = streams.map((number) => ({ number, stream: cached.streams[number] as Stream }))
  const isCounted = ahead !== undefined && areSame(ahead.edits, edits)
  const totals = edits.map(noSum)
  for (const stored of tables.summaries.storedPages(cached.row.key)) {
    const known = isCounted ? ahead.pages.get(stored.first) : undefined
    const { found, recounted, sums } =
      known !== undefined && isEqual(known.found, stored.page)
        ? known
        : recountPage(stored, edits, (page, at) => {
            const counted = isCounted ? ahead.leaves.get(page.leaf(at, LEAF.start))?.counts : undefined
            return counted ?? edits.map(({ stream }) => countLeaf(tables, cached, page, at, stream))
          })
    if (!isEqual(found, recounted))
      tables.summaries.replace(cached.row.key, { first: stored.first, page: recounted })
    sums.forEach((sum, i) => add(totals[i] as Sum, sum))
  }
  totals.forEach(({ over, judged }, i) => cached.recounted(streams[i] as number, over, judged))
}

const noSum = (): Sum => ({ over: 0, judged: 0 })

function add(sum: Sum, { over, judged }: Readonly<Sum>): void {
  sum.over += over
  sum.judged += judged
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** Whether the edits counted ahead are those that were made. */
function areSame(ahead: readonly Edit[], made: readonly Edit[]): boolean {
  return (
    ahead.length === made.length &&
    ahead.every(({ number, stream: { rule } }, i) => {
      const other = made[i]
      return number === other?.number && isDeepStrictEqual(rule, other.stream.rule)
    })
  )
}

/** A page with other counts of its leaves. */
function recountPage(
  { page: found }: PageRow,
  edits: readonly Edit[],
  countsOf: (page: SummaryPage, at: number) => readonly OverCounts[],
): CountedPage {
  const page = pageIn(found)
  const sums = edits.map(noSum)
  for (let at = 0; at < page.count; at++) {
    const counts = countsOf(page, at)
    edits.forEach(({ number }, i) => {
      const here = counts[i] as OverCounts
      page.recount(number, at, here)
      add(sums[i] as Sum, here)
    })
  }
  return { found, recounted: storedForm(page), sums }
}

/**
 * Does `work`, which changes these fields; where they put other caps in force in a large run, it first counts the leaves
 * under them, with pauses for other units. Leaves written meanwhile are left out of the counts it passes to `work`.
 */
export async function countingAhead<T>(
  units: RunUnits,
  id: string,
  fields: Pick<RunFields, 'clip' | 'parts'>,
  work: (ahead: CountedAhead | undefined) => Promise<T>,
): Promise<T> {
  if (fields.clip === undefined && fields.parts === undefined) return work(undefined)
  const edits = await units.read(id, ({ runs }, cache) =>
    (runs.find(id)?.points ?? 0) < LARGE ? [] : editsOf(cache.open(id), fields),
  )
  if (edits.length === 0) return work(undefined)
  const ahead: CountedAhead = { edits, leaves: new Map(), pages: new Map() }
  const unwatch = units.watchLeaves(id, (start) => forget(ahead, start))
  try {
    let next: number | undefined = -1
    while (next !== undefined) {
      const after: number = next
      next = await units.read(id, (tables, cache) => countPage(tables, cache.open(id), after, ahead))
      await pause()
    }
    units.makeRoom()
    return await work(ahead)
  } finally {
    unwatch()
  }
}

/** A leaf was written or removed, or, if none is named, any may have been. */
function forget({ leaves, pages }: CountedAhead, start: number | undefined): void {
  if (start === undefined) {
    leaves.clear()
    pages.clear()
    return
  }
  const leaf = leaves.get(start)
  if (leaf === undefined) return
  leaves.delete(start)
  pages.delete(leaf.page)
}

/** The streams that these fields give another cap. */
function editsOf({ names, run }: CachedRun, { clip, parts = {} }: Pick<RunFields, 'clip' | 'parts'>): Edit[] {
  const edits: Edit[] = []
  const edit = (number: number, part: string | null, old: Clip | undefined, clip: Clip | undefined) => {
    if (clip === undefined || (old !== undefined && isSameRule(old, clip))) return
    edits.push({ number, stream: { ...names.stream(part), rule: clipRule(clip) } })
  }
  edit(0, null, run.clip, clip)
  run.parts.forEach(({ name, clip: old }, i) => edit(i + 1, name, old, parts[name]?.clip))
  Object.entries(parts)
    .filter(([name]) => run.parts.every((part) => part.name !== name))
    .forEach(([name, part], i) => edit(run.parts.length + 1 + i, name, undefined, part.clip))
  return edits
}

/** Counts the stored leaves of the page behind `after`; gives that page's first step, or `undefined` without one. */
function countPage(
  tables: RunTables,
  cached: CachedRun,
  after: number,
  { edits, leaves, pages }: CountedAhead,
): number | undefined {
  const stored = tables.summaries.storedAfter(cached.row.key, after)
  if (stored === undefined) return undefined
  let isWhole = true
  const counted = recountPage(stored, edits, (page, at) => {
    const start = page.leaf(at, LEAF.start)
    if (cached.leaves.all.some((leaf) => leaf.start === start) || cached.leaves.replaced.has(start)) {
      isWhole = false
      return edits.map(() => NONE_OVER(0))
    }
    const counts = edits.map(({ stream }) => countLeaf(tables, cached, page, at, stream))
    leaves.set(start, { page: stored.first, counts })
    return counts
  })
  if (isWhole) pages.set(stored.first, counted)
  return stored.first
}

function countLeaf(
  tables: RunTables,
  cached: CachedRun,
  page: SummaryPage,
  at: number,
  stream: Stream,
): OverCounts {
  const leaf = { start: page.leaf(at, LEAF.start), exponent: page.leaf(at, LEAF.exponent) }
  return (
    bySummary(page, at, stream) ??
    overCounts(rowsOf(tables, cached, leaf.start, new Set(decidingMetrics(stream))), leaf, stream)
  )
}

/** The counts where the directory's own summary decides them; `undefined` where the readings must be looked at. */
function bySummary(
  page: SummaryPage,
  at: number,
  { gradNorm, maxNorm, rule }: Stream,
): OverCounts | undefined {
  if (rule.by === 'fraction') return undefined
  if (gradNorm === undefined) return NONE_OVER(0)
  if (blockOf(gradNorm) !== 0) return undefined
  if (maxNorm !== undefined && (blockOf(maxNorm) !== 0 || page.metric(maxNorm, at, METRIC.count) > 0))
    return undefined
  const judged = page.metric(gradNorm, at, METRIC.count) - page.metric(gradNorm, at, METRIC.nonfinite)
  const isBelow = page.metric(gradNorm, at, METRIC.max) <= clippedAbove(rule.cap)
  return judged === 0 || isBelow ? NONE_OVER(judged) : undefined
}
