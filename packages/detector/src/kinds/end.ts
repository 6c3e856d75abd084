import { closeFinding, dropPending } from './findings.ts'
import type { Change, RunFacts } from '../contract.ts'
import { Fold } from '../record/fold.ts'
import type { Settings } from '../settings/settings.ts'
import type { DetectorState } from '../record/state.ts'
import { judgesOf, KINDS } from './all.ts'
import { isFlagging } from './verdict.ts'

const judgeEnd = judgesOf('end')
const judgeSilence = judgesOf('silence')

/**
 * The run has ended. If it has enough norms it is judged on them without the waiting time; then its open findings close
 * as `run_finished`, `run_failed` or `run_preempted`, and the verdict keeps the last state. A later reading (the training
 * was resumed, or a spool was sent late) continues the run: conditions that still hold open again. Ending twice changes
 * nothing.
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
  judgeEnd(fold)
  // After the end, silence no longer means anything.
  const flagged = KINDS.some((kind) => kind !== 'stalled' && isFlagging(state, kind))
  for (const kind of KINDS) {
    if (state.kinds[kind].phase === 'firing') closeFinding(fold, kind, `run_${status}`)
    else dropPending(state.kinds[kind])
  }
  state.ended = { status, flagged }
  return fold.take()
}

/** No reading for `silentSeconds`; opens `stalled` if that is much longer than the run's usual interval. */
export function silence(
  state: DetectorState,
  silentSeconds: number,
  facts: RunFacts,
  settings: Settings,
): readonly Change[] {
  const fold = Fold.of(state, facts, settings)
  fold.step = state.step
  judgeSilence(fold, silentSeconds)
  return fold.take()
}
