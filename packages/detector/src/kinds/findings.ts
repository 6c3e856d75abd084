import type { CloseReason, Evidence, FindingKind, Severity } from '../contract.ts'
import { diagnose } from '../diagnosis/diagnose.ts'
import type { Fold } from '../record/fold.ts'
import type { KindState } from '../record/state.ts'
import type { FindingKindRecord } from './finding-kind.ts'

/**
 * Opens a finding of this kind at the current step, with its diagnosis. `onset` is the step at which it began; `null` if
 * unknown.
 */
export function openFinding(
  fold: Fold,
  { name: kind, causes, ...record }: FindingKindRecord,
  onset: number | null,
  evidence: Evidence,
  severity: Severity = record.severity,
): void {
  const step = fold.step < 0 ? null : fold.step
  const now = fold.state.kinds[kind]
  now.phase = 'firing'
  now.since = step
  now.opened++
  const diagnosis = diagnose(fold, causes)
  fold.add({ type: 'opened', kind, severity, step, onset, evidence, diagnosis })
}

/** Closes the open finding of this kind at the current step. */
export function closeFinding(fold: Fold, kind: FindingKind, reason: CloseReason): void {
  dropPending(fold.state.kinds[kind])
  fold.add({ type: 'closed', kind, step: fold.step < 0 ? null : fold.step, reason })
}

/** Becomes pending where it was inactive; `at` counts the points that the kind goes by. */
export function pend(fold: Fold, kind: FindingKind, at: number): void {
  const now = fold.state.kinds[kind]
  if (now.phase !== 'inactive') return
  now.phase = 'pending'
  now.since = fold.step
  now.from = at
}

/** Neither pending nor open any more. */
export function dropPending(now: KindState): void {
  now.phase = 'inactive'
  now.since = null
}
