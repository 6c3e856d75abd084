import type { ClipRule } from '../leaf/clip-rule.ts'
import { NONE_OVER, overCounts, type OverCounts } from '../leaf/over-counts.ts'
import { LEAF, METRIC, type SummaryPage } from '../leaf/summary-page.ts'
import { rowsOf } from './record-of.ts'
import type { Residents } from './residents.ts'
import type { ResidentRun } from './resident-run.ts'
import type { Tables } from './tables-at-hand.ts'
import { retotal } from './totals.ts'

/** Counts the steps over the cap anew, leaf by leaf: the run's cap has changed. */
export function recount(tables: Tables, residents: Residents, resident: ResidentRun): void {
  residents.writeOut(resident)
  const { row, names, rule } = resident
  const wanted = new Set(
    [names.known.gradNorm, names.known.maxNorm, names.known.clipFraction].filter(
      (metric) => metric !== undefined,
    ),
  )
  for (const stored of tables.summaries.pages(row.key, 0, 0, Infinity)) {
    const { page } = stored
    for (let at = 0; at < page.count; at++) {
      const leaf = { start: page.leaf(at, LEAF.start), exponent: page.leaf(at, LEAF.exponent) }
      const counts =
        bySummary(page, at, resident, rule) ??
        overCounts(rowsOf(tables, resident, leaf.start, wanted), leaf, names.known, rule)
      page.recount(at, counts)
    }
    tables.summaries.replace(row.key, stored)
  }
  retotal(tables, resident)
}

/** The counts where the summary decides them; `undefined` where the readings must be looked at. */
function bySummary(
  page: SummaryPage,
  at: number,
  { names: { known } }: ResidentRun,
  rule: ClipRule,
): OverCounts | undefined {
  const { gradNorm, maxNorm } = known
  if (rule.by === 'fraction') return undefined
  if (gradNorm === undefined) return NONE_OVER(0)
  if (maxNorm !== undefined && page.metric(maxNorm, at, METRIC.count) > 0) return undefined
  const judged = page.metric(gradNorm, at, METRIC.count) - page.metric(gradNorm, at, METRIC.nonfinite)
  return judged === 0 || page.metric(gradNorm, at, METRIC.max) <= rule.cap ? NONE_OVER(judged) : undefined
}
