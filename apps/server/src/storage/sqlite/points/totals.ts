import { setImmediate as pause } from 'node:timers/promises'
import { clippedAbove, clipRule } from '@normwatch/detector'
import { MAX_STEP, type Clip } from '@normwatch/protocol'
import { NONE_OVER, overCounts, partKey, type OverCounts } from '../../leaf/over-counts.ts'
import type { RunRecord } from '../../leaf/record.ts'
import { decidingMetrics, emptyTally, isSameRule, type Stream } from '../../leaf/stream.ts'
import { LEAF, METRIC, type SummaryPage } from '../../leaf/summary-page.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { Tables } from '../open-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { blockOf } from './leaves.ts'
import { recordOf, rowsOf } from './record-of.ts'
import type { RunCache } from './run-cache.ts'

/** A run with more points is counted ahead, page by page, while others are served. */
const LARGE = 100_000

/** Counts of leaves, by their start, under a cap of the run that is not in force yet. */
export interface CountedAhead {
  readonly clip: Clip
  readonly counts: ReadonlyMap<number, OverCounts>
}

/** Counts the steps over the cap of these streams anew, the first of which is the run's own: their caps have changed. */
export function recount(
  tables: Tables,
  cache: RunCache,
  cached: CachedRun,
  streams: readonly number[],
  ahead: CountedAhead | undefined,
): void {
  cache.writeOut(cached)
  const isAhead = ahead !== undefined && isSameRule(ahead.clip, cached.run.clip)
  for (const stored of tables.summaries.pages(cached.row.key, 0, 0, Infinity)) {
    const { page } = stored
    for (let at = 0; at < page.count; at++) {
      for (const stream of streams) {
        const counted = isAhead && stream === 0 ? ahead.counts.get(page.leaf(at, LEAF.start)) : undefined
        const counts = counted ?? countLeaf(tables, cached, page, at, cached.streams[stream] as Stream)
        page.recount(stream, at, counts)
      }
    }
    tables.summaries.replace(cached.row.key, stored)
  }
  retotal(tables, cached)
}

/**
 * Does `work`, which puts `clip` in force; for a large run it first counts the leaves under the new rule, with pauses for
 * other units. A leaf that is written meanwhile is left out of what it hands to `work`.
 */
export async function countingAhead<T>(
  tables: Tables,
  cache: RunCache,
  commits: GroupCommit,
  id: string,
  clip: Clip | undefined,
  work: (ahead: CountedAhead | undefined) => Promise<T>,
): Promise<T> {
  const row = clip && commits.read(() => tables.runs.find(id))
  if (!row || !clip || row.points < LARGE) return work(undefined)
  if (isSameRule(clip, JSON.parse(row.clip) as Clip)) return work(undefined)
  const counts = new Map<number, OverCounts>()
  const unwatch = tables.leaves.watch((run, start) => {
    if (run === row.key) counts.delete(start)
  })
  try {
    let next: number | undefined = -1
    while (next !== undefined) {
      const after: number = next
      next = commits.read(() => countPage(tables, cache.open(id), after, clip, counts))
      await pause()
    }
    return await work({ clip, counts })
  } finally {
    unwatch()
  }
}

/** Counts the stored leaves of the page behind `after`; gives that page's first step, or `undefined` without one. */
function countPage(
  tables: Tables,
  cached: CachedRun,
  after: number,
  clip: Clip,
  counts: Map<number, OverCounts>,
): number | undefined {
  const stored = tables.summaries.after(cached.row.key, after)
  if (stored === undefined) return undefined
  const stream = { ...cached.streams[0], rule: clipRule(clip) }
  for (let at = 0; at < stored.page.count; at++) {
    const start = stored.page.leaf(at, LEAF.start)
    if (cached.leaves.some((leaf) => leaf.start === start) || cached.replaced.has(start)) continue
    counts.set(start, countLeaf(tables, cached, stored.page, at, stream))
  }
  return stored.first
}

function countLeaf(
  tables: Tables,
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

/** Sums up the run's totals, its last step and its newest readings anew from the summaries of its leaves. */
export function retotal(tables: Tables, cached: CachedRun): void {
  const { streams } = cached
  const record = recordOf(tables, cached, [], 0, MAX_STEP)
  const tally = emptyTally(streams)
  cached.row.lastStep = null
  for (const page of record.directory) {
    for (let at = 0; at < page.count; at++) {
      tally.points += page.leaf(at, LEAF.count)
      cached.row.lastStep = page.leaf(at, LEAF.lastStep)
      streams.forEach((_, i) => {
        const [over, judged] =
          i === 0
            ? [page.leaf(at, LEAF.over), page.leaf(at, LEAF.judged)]
            : [
                page.metric(partKey(i - 1), at, METRIC.nonfinite),
                page.metric(partKey(i - 1), at, METRIC.count),
              ]
        tally.over[i] = (tally.over[i] as number) + over
        tally.judged[i] = (tally.judged[i] as number) + judged
      })
    }
  }
  for (const metric of streams.flatMap(({ gradNorm, loss }) => [gradNorm, loss])) {
    if (metric !== undefined) tally.nonfinite += nonfiniteOf(record, metric)
  }
  cached.count(tally, true)
  cached.renewLatest((metric) => newestOf(record, metric))
}

function nonfiniteOf(record: RunRecord, metric: number): number {
  let sum = 0
  for (const page of record.pagesOf(metric)) {
    for (let at = 0; at < page.count; at++) sum += page.metric(metric, at, METRIC.nonfinite)
  }
  return sum
}

function newestOf(record: RunRecord, metric: number): { step: number; value: number } | undefined {
  for (const page of record.pagesOf(metric).toReversed()) {
    for (let at = page.count - 1; at >= 0; at--) {
      if (page.metric(metric, at, METRIC.count) === 0) continue
      return { step: page.metric(metric, at, METRIC.lastStep), value: page.metric(metric, at, METRIC.last) }
    }
  }
  return undefined
}

/** Drops every point after `step`. What the detector saved is void until the record is judged again. */
export function truncate(tables: Tables, cache: RunCache, cached: CachedRun, step: number): void {
  const { row } = cached
  if (row.lastStep === null || row.lastStep <= step) return
  cache.writeOut(cached)
  for (const { page } of tables.summaries.pages(row.key, 0, Math.max(0, step), Infinity)) {
    for (let at = 0; at < page.count; at++) {
      if (page.leaf(at, LEAF.lastStep) <= step) continue
      if (page.leaf(at, LEAF.firstStep) <= step) cached.cutLeaf(page.leaf(at, LEAF.firstStep), step)
      else cached.dropLeaf(page.leaf(at, LEAF.start))
    }
  }
  cached.writeLeaves()
  retotal(tables, cached)
  tables.tail.removeThrough(row.key, row.version)
  tables.detections.save(row.key, { state: null, through: row.version, stale: 1 })
}
