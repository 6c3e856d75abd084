import type { FindingChange, StoredFinding } from '../store.ts'

type Closing = Extract<FindingChange, { type: 'closed' }>

/**
 * The changes of one unit as rows, in an order in which never two findings of a kind and part are open: first those close
 * that were open before, then those are added that the unit opens, as they are at its end.
 */
export function rowChanges(changes: readonly FindingChange[]): {
  readonly closed: readonly Closing[]
  readonly added: readonly StoredFinding[]
} {
  const closed: Closing[] = []
  const added = new Map<string, StoredFinding>()
  for (const change of changes) {
    if (change.type === 'opened') {
      added.set(change.finding.id, change.finding)
      continue
    }
    const finding = added.get(change.id)
    if (finding === undefined) closed.push(change)
    else if (finding.state === 'open') {
      const { closed_step, closed_at, close_reason } = change
      added.set(change.id, { ...finding, state: 'closed', closed_step, closed_at, close_reason })
    }
  }
  return { closed, added: [...added.values()] }
}
