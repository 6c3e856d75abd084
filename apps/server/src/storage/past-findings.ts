import type { FindingChange } from './store.ts'

/** The ids of the findings that both open and close in these changes: they are of the past, and nobody is alerted of them. */
export function pastFindings(changes: readonly FindingChange[]): ReadonlySet<string> {
  const closed = new Set(changes.flatMap((change) => (change.type === 'closed' ? change.id : [])))
  return new Set(
    changes.flatMap((change) =>
      change.type === 'opened' && closed.has(change.finding.id) ? change.finding.id : [],
    ),
  )
}
