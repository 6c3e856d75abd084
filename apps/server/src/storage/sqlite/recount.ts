import { countOver, type ClipRule } from '../leaf/clip-rule.ts'
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
      const { over, judged } =
        bySummary(page, at, resident, rule) ??
        countOver(rowsOf(tables, resident, page.leaf(at, LEAF.start), wanted), names.known, rule)
      page.withCounts(at, over, judged)
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
): { over: number; judged: number } | undefined {
  const { gradNorm, maxNorm } = known
  if (rule.by === 'fraction') return undefined
  if (gradNorm === undefined) return { over: 0, judged: 0 }
  if (maxNorm !== undefined && page.metric(maxNorm, at, METRIC.count) > 0) return undefined
  const judged = page.metric(gradNorm, at, METRIC.count) - page.metric(gradNorm, at, METRIC.nonfinite)
  if (judged === 0 || page.metric(gradNorm, at, METRIC.max) <= rule.cap) return { over: 0, judged }
  if (page.metric(gradNorm, at, METRIC.min) > rule.cap) return { over: judged, judged }
  return undefined
}
