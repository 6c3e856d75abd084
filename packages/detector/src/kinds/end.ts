import { closeFinding, dropPending } from './findings.ts'
import type { Change, RunFacts } from '../contract.ts'
import { Fold } from '../record/fold.ts'
import type { Settings } from '../settings/settings.ts'
import type { DetectorState } from '../record/state.ts'
import { judgesOf, KINDS } from './all.ts'
import { isFlagging } from './verdict.ts'

const atEnd = judgesOf('end')
const ofSilence = judgesOf('silence')

/**
 * The run has ended. One with enough norms is judged on what it has, the waiting time waived; then its open findings
 * close as `run_finished`, `run_failed` or `run_preempted`, and the verdict keeps what held. A new reading that still comes (the
 * training was taken up again, or a spool sent late) takes the run up again: what still holds opens anew. Ending twice
 * changes nothing.
 */
export function end(
  state: DetectorState,
  status: 'finished' | 'failed' | 'preempted',
  facts: RunFacts,
  settings: Settings,
): readonly Change[] {
  if (state.ended !== null) {
    state.ended.status = status
    return []
  }
  const fold = Fold.of(state, facts, settings)
  fold.step = state.step
  for (const judge of atEnd) judge(fold)
  // Silence says nothing of the training any more once it is known to have ended.
  const flagged = KINDS.some((kind) => kind !== 'stalled' && isFlagging(state, kind))
  for (const kind of KINDS) {
    if (state.kinds[kind].phase === 'firing') closeFinding(fold, kind, `run_${status}`)
    else dropPending(fold, kind)
  }
  state.ended = { status, flagged }
  return fold.take()
}

/** Nothing has come for `silentSeconds`; opens `stalled` when that is longer than the run's own rhythm explains. */
export function silence(
  state: DetectorState,
  silentSeconds: number,
  facts: RunFacts,
  settings: Settings,
): readonly Change[] {
  const fold = Fold.of(state, facts, settings)
  fold.step = state.step
  for (const judge of ofSilence) judge(fold, silentSeconds)
  return fold.take()
}
