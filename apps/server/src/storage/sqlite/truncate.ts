import { LEAF } from '../leaf/summary-page.ts'
import type { Residents } from './residents.ts'
import type { ResidentRun } from './resident-run.ts'
import type { Tables } from './tables-at-hand.ts'
import { retotal } from './totals.ts'

/** Drops every point after `step`. What the detector saved is void until the record is judged again. */
export function truncate(tables: Tables, residents: Residents, resident: ResidentRun, step: number): void {
  const { row } = resident
  if (row.lastStep === null || row.lastStep <= step) return
  residents.writeOut(resident)
  for (const { page } of tables.summaries.pages(row.key, 0, Math.max(0, step), Infinity)) {
    for (let at = 0; at < page.count; at++) {
      if (page.leaf(at, LEAF.lastStep) <= step) continue
      if (page.leaf(at, LEAF.firstStep) <= step) resident.cutLeaf(page.leaf(at, LEAF.firstStep), step)
      else resident.dropLeaf(page.leaf(at, LEAF.start))
    }
  }
  resident.writeLeaves()
  retotal(tables, resident)
  tables.tail.removeThrough(row.key, resident.seq)
  tables.detections.save(row.key, { state: null, through: resident.seq, stale: 1 })
}
