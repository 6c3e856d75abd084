import { MAX_STEP } from '@normwatch/protocol'
import type { RunRecord } from '../leaf/record.ts'
import { LEAF, METRIC } from '../leaf/summary-page.ts'
import { recordOf } from './record-of.ts'
import type { ResidentRun } from './resident-run.ts'
import type { Tables } from './tables-at-hand.ts'

/** Sums up the run's totals, its last step and its newest readings anew from the summaries of its leaves. */
export function retotal(tables: Tables, resident: ResidentRun): void {
  const { row, names } = resident
  const record = recordOf(tables, resident, [], 0, MAX_STEP)
  Object.assign(row, { points: 0, over: 0, judged: 0, nonfinite: 0, lastStep: null })
  for (const page of record.directory) {
    for (let at = 0; at < page.count; at++) {
      row.points += page.leaf(at, LEAF.count)
      row.over += page.leaf(at, LEAF.over)
      row.judged += page.leaf(at, LEAF.judged)
      row.lastStep = page.leaf(at, LEAF.lastStep)
    }
  }
  for (const metric of [names.known.gradNorm, names.known.loss]) {
    if (metric !== undefined) row.nonfinite += nonfiniteOf(record, metric)
  }
  resident.renewLatest((metric) => newestOf(record, metric))
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
