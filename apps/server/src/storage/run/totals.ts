import { MAX_STEP } from '@normwatch/protocol'
import { partKey } from '../leaf/over-counts.ts'
import { leavesOf, type RunRecord } from '../leaf/record.ts'
import { emptyTally } from '../leaf/stream.ts'
import { LEAF, METRIC } from '../leaf/summary-page.ts'
import type { RunTables } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { recordOf } from './record-of.ts'
import type { RunCache } from './run-cache.ts'

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
  const last: number[] = []
  let cut: number | undefined
  const pages = tables.summaries.pages(row.key, 0, Math.max(0, step), Infinity)
  for (const { start, firstStep, lastStep } of leavesOf(pages.map(({ page }) => page))) {
    if (firstStep > step) last.push(start)
    else if (lastStep > step) cut = firstStep
  }
  cached.leaves.removeLast(last)
  if (cut !== undefined) cached.leaves.cut(cut, step)
  cached.leaves.write()
  retotal(tables, cached)
  tables.tail.removeThrough(row.key, row.version)
  tables.detections.save(row.key, { state: null, through: row.version, stale: 1 })
}
