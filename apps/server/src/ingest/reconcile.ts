import type { CloseReason, Finding, FindingKind } from '@normwatch/protocol'
import type { FindingChange } from '../storage/store.ts'
import type { Outcome } from './active-run.ts'
import { closedFinding, closeFinding } from './judgement.ts'

export interface Reconciled extends Outcome {
  /** The findings that are open afterwards, by kind. */
  readonly open: Map<FindingKind, Finding>
}

/**
 * What has to change in a run's stored findings so that they say what judging its record again found. A finding of the
 * same kind that opened at the same step is the same one. History stays: a closed finding is never opened again, nor
 * removed. An open one that the record no longer shows closes with `settings_changed`.
 */
export function reconcile(replayed: readonly Finding[], stored: readonly Finding[], now: number): Reconciled {
  const changes: FindingChange[] = []
  const findings: Finding[] = []
  const open = new Map<FindingKind, Finding>()
  const unconfirmed = new Map(stored.filter(isOpen).map((finding) => [episode(finding), finding]))
  const past = new Set(stored.filter((finding) => !isOpen(finding)).map(episode))
  const close = (finding: Finding, step: number | null, reason: CloseReason, at: number) => {
    const closing = closeFinding(finding, { step, reason }, at)
    changes.push(closing)
    findings.push(closedFinding(finding, closing))
  }
  for (const finding of replayed) {
    let kept = unconfirmed.get(episode(finding))
    unconfirmed.delete(episode(finding))
    if (kept === undefined && (isOpen(finding) || !past.has(episode(finding)))) {
      kept = { ...finding, state: 'open', closed_step: null, closed_at: null, close_reason: null }
      changes.push({ type: 'opened', finding: kept })
      if (isOpen(finding)) findings.push(kept)
    }
    if (kept === undefined) continue
    const { closed_step, closed_at, close_reason } = finding
    if (isOpen(finding)) open.set(kept.kind, kept)
    else if (close_reason !== null) close(kept, closed_step, close_reason, Date.parse(closed_at ?? ''))
  }
  for (const finding of unconfirmed.values()) close(finding, null, 'settings_changed', now)
  return { changes, findings, open }
}

function isOpen(finding: Finding): boolean {
  return finding.state === 'open'
}

function episode({ kind, opened_step }: Finding): string {
  return `${kind} ${opened_step}`
}
