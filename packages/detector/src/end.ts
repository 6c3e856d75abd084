import type { Change, RunFacts } from './contract.ts'
import { Fold } from './fold.ts'
import { judgeDivergenceAtEnd } from './kinds/loss-divergence.ts'
import { judgeSaturationAtEnd } from './kinds/clip-saturated.ts'
import { judgeSilence } from './kinds/stalled.ts'
import type { Settings } from './settings.ts'
import { KINDS, type DetectorState } from './state.ts'
import { isFlagging } from './verdict.ts'

/**
 * The run has ended. One with enough norms is judged on what it has, the waiting time waived; then its open findings
 * close as `run_finished` or `run_failed`, and the verdict keeps what held. A new reading that still comes (the
 * training was taken up again, or a spool sent late) takes the run up again: what still holds opens anew. Ending twice
 * changes nothing.
 */
export function end(
  state: DetectorState,
  status: 'finished' | 'failed',
  facts: RunFacts,
  settings: Settings,
): readonly Change[] {
  if (state.ended !== null) {
    state.ended.status = status
    return []
  }
  const fold = Fold.of(state, facts, settings)
  fold.step = state.step
  judgeSaturationAtEnd(fold)
  judgeDivergenceAtEnd(fold)
  // Silence says nothing of the training any more once it is known to have ended.
  const flagged = KINDS.some((kind) => kind !== 'stalled' && isFlagging(state, kind))
  for (const kind of KINDS) {
    if (state.kinds[kind].phase === 'firing')
      fold.close(kind, status === 'failed' ? 'run_failed' : 'run_finished')
    else fold.idle(kind)
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
  judgeSilence(fold, silentSeconds)
  return fold.take()
}
