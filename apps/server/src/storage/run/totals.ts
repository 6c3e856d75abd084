import { setImmediate as pause } from 'node:timers/promises'
import { clippedAbove, clipRule } from '@normwatch/detector'
import { MAX_STEP, type Clip, type RunFields } from '@normwatch/protocol'
import { NONE_OVER, overCounts, partKey, type OverCounts } from '../leaf/over-counts.ts'
import type { RunRecord } from '../leaf/record.ts'
import { decidingMetrics, emptyTally, isSameRule, type Stream } from '../leaf/stream.ts'
import { LEAF, METRIC, type SummaryPage } from '../leaf/summary-page.ts'
import type { RunTables, RunUnits } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { blockOf } from './leaves.ts'
import { recordOf, rowsOf } from './record-of.ts'
import type { RunCache } from './run-cache.ts'

/** A run with more points is counted ahead, page by page, while others are served. */
const LARGE = 100_000

/** Caps that are not in force yet, and the counts of leaves under each of them, by the start of the leaf. */
export interface CountedAhead {
  readonly edits: readonly Edit[]
  readonly counts: ReadonlyMap<number, readonly OverCounts[]>
}

/** Another cap for a stream, the first of which is the run's own; `number` is its place among all. */
interface Edit {
  readonly number: number
  readonly clip: Clip
  readonly stream: Stream
}

/** Recounts the steps over the cap of these streams, whose caps have changed. The first stream is the run's own. */
export function recount(
  tables: RunTables,
  cache: RunCache,
  cached: CachedRun,
  streams: readonly number[],
  ahead: CountedAhead | undefined,
): void {
  cache.writeOut(cached)
  const { clip, parts } = cached.run
  const clips = [clip, ...parts.map((part) => part.clip)]
  const counted = streams.map((number) => {
    const at = ahead?.edits.findIndex(
      (edit) => edit.number === number && isSameRule(edit.clip, clips[number] as Clip),
    )
    return (start: number) => (at === undefined ? undefined : ahead?.counts.get(start)?.[at])
  })
  for (const stored of tables.summaries.pages(cached.row.key, 0, 0, Infinity)) {
    const { page } = stored
    for (let at = 0; at < page.count; at++) {
      streams.forEach((number, i) => {
        const counts =
          counted[i]?.(page.leaf(at, LEAF.start)) ??
          countLeaf(tables, cached, page, at, cached.streams[number] as Stream)
        page.recount(number, at, counts)
      })
    }
    tables.summaries.replace(cached.row.key, stored)
  }
  retotal(tables, cached)
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
  const counts = new Map<number, OverCounts[]>()
  const unwatch = units.watchLeaves(id, (start) => {
    if (start === undefined) counts.clear()
    else counts.delete(start)
  })
  try {
    let next: number | undefined = -1
    while (next !== undefined) {
      const after: number = next
      next = await units.read(id, (tables, cache) => countPage(tables, cache.open(id), after, edits, counts))
      await pause()
    }
    return await work({ edits, counts })
  } finally {
    unwatch()
  }
}

/** The streams that these fields give another cap. */
function editsOf({ names, run }: CachedRun, { clip, parts = {} }: Pick<RunFields, 'clip' | 'parts'>): Edit[] {
  const edits: Edit[] = []
  const edit = (number: number, part: string | null, old: Clip | undefined, clip: Clip | undefined) => {
    if (clip === undefined || (old !== undefined && isSameRule(old, clip))) return
    edits.push({ number, clip, stream: { ...names.stream(part), rule: clipRule(clip) } })
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
  edits: readonly Edit[],
  counts: Map<number, OverCounts[]>,
): number | undefined {
  const stored = tables.summaries.after(cached.row.key, after)
  if (stored === undefined) return undefined
  for (let at = 0; at < stored.page.count; at++) {
    const start = stored.page.leaf(at, LEAF.start)
    if (cached.leaves.some((leaf) => leaf.start === start) || cached.replaced.has(start)) continue
    counts.set(
      start,
      edits.map(({ stream }) => countLeaf(tables, cached, stored.page, at, stream)),
    )
  }
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

/** Recomputes the run's totals, its last step and its newest readings from the summaries of its leaves. */
export function retotal(tables: RunTables, cached: CachedRun): void {
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

/** Drops every point after `step`. The detector's saved state is invalid until the record is judged again. */
export function truncate(tables: RunTables, cache: RunCache, cached: CachedRun, step: number): void {
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
