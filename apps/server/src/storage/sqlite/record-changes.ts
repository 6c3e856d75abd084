import type { FindingChange } from '../store.ts'
import type { ResidentRun } from './resident-run.ts'
import type { Tables } from './tables-at-hand.ts'

/** Writes the edges of a run's findings and, in the same unit, the messages that those of `told` cause. */
export function recordChanges(
  { findings, outbox }: Tables,
  resident: ResidentRun,
  changes: readonly FindingChange[],
  told = changes,
): void {
  findings.apply(resident.row.key, changes)
  for (const change of told) {
    const finding = change.type === 'opened' ? change.finding : findings.find(change.id)
    if (finding !== undefined) outbox.tell(change.type, finding, resident.run)
  }
}
