import { cellKeys } from '../leaf/cells.ts'
import type { RunRecord } from '../leaf/record.ts'
import type { Rows } from '../leaf/rows.ts'
import { decidingMetrics } from '../leaf/stream.ts'
import { EMPTY_PAGE, LEAF, editPage, type SummaryPage } from '../leaf/summary-page.ts'
import type { LeafSummary } from '../leaf/summary.ts'
import type { RunTables } from './run-tables.ts'
import type { CachedRun } from './cached-run.ts'
import { blockOf } from './leaves.ts'
import type { StoredPage } from './summaries.ts'

/** A run's points from step `from` to `to` as charts read them: the stored leaves, with cached ones in place of those they replace. */
export function recordOf(
  tables: RunTables,
  cached: CachedRun,
  metrics: readonly number[],
  from: number,
  to: number,
): RunRecord {
  const { key } = cached.row
  const { streams } = cached
  const changed = cached.leaves.changedSummaries()
  const pagesOfBlock = memo((block: number) =>
    current(
      tables.summaries.pages(key, block, from, to),
      cached.leaves.replaced,
      changed.map((summary) => inBlock(summary, block)),
    ),
  )
  const wanted = new Set(
    // what decides whether a step was clipped comes along for the norms alone
    [
      ...metrics,
      ...streams.filter(({ gradNorm }) => metrics.includes(gradNorm ?? -1)).flatMap(decidingMetrics),
    ],
  )
  const keys = cellKeys(wanted)
  return {
    streams,
    directory: pagesOfBlock(0),
    pagesOf: (metric) => pagesOfBlock(blockOf(metric)),
    cells: memo((start) =>
      cached.leaves.all.some((leaf) => leaf.start === start)
        ? undefined
        : tables.leaves.cells(key, start, wanted, keys),
    ),
    rows: memo((start) => rowsOf(tables, cached, start, wanted)),
  }
}

/** The rows of a leaf, cached or stored, with at least the metrics wanted. */
export const rowsOf = (
  tables: RunTables,
  cached: CachedRun,
  start: number,
  wanted: ReadonlySet<number>,
): Rows =>
  cached.leaves.all.find((leaf) => leaf.start === start) ?? tables.leaves.read(cached.row.key, start, wanted)

function memo<T>(make: (key: number) => T): (key: number) => T {
  const made = new Map<number, T>()
  return (key) => {
    let value = made.get(key)
    if (value === undefined) made.set(key, (value = make(key)))
    return value
  }
}

/** A leaf's summary with the metrics of one block. */
function inBlock(summary: LeafSummary, block: number): LeafSummary {
  const metrics = [...summary.metrics].filter(([metric]) => blockOf(metric) === block)
  return { ...summary, metrics: new Map(metrics) }
}

/** The stored pages with the cached leaves in place of those they replace. */
function current(
  stored: readonly StoredPage[],
  replaced: ReadonlySet<number>,
  changed: readonly LeafSummary[],
): SummaryPage[] {
  if (changed.length === 0 && replaced.size === 0) return stored.map(({ page }) => page)
  const pages = stored.length > 0 ? stored : [{ first: 0, page: EMPTY_PAGE }]
  return pages.flatMap(({ page, first }, i) => {
    const begin = i === 0 ? 0 : first
    const end = pages[i + 1]?.first ?? Infinity
    const here = changed.filter(({ start }) => start >= begin && start < end)
    const isTouched = here.length > 0 || hasAny(page, replaced)
    return isTouched ? editPage(page, replaced, here) : [page]
  })
}

function hasAny(page: SummaryPage, starts: ReadonlySet<number>): boolean {
  for (let at = 0; at < page.count; at++) if (starts.has(page.leaf(at, LEAF.start))) return true
  return false
}
