import { closeFinding, dropPending, openFinding, pend } from '../findings.ts'
import { capInForce, clipRate, meanCoefficient } from '../../record/clips.ts'
import type { Evidence } from '../../contract.ts'
import type { Fold } from '../../record/fold.ts'
import { fromLog } from '../../series/log-scale.ts'
import { significant } from '../../series/round.ts'

const KIND = 'clip_saturated'

/**
 * Most steps are clipped, and still so a while later: the cap, not the optimiser, decides the step length. In warm-up
 * it stays pending (`watch`), and the waiting time starts when warm-up ends.
 */
export function judgeSaturation(fold: Fold): void {
  const { clips, kinds, warmUp } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || clips.size < fold.settings.window.judge_from) return
  const rate = clipRate(clips)
  const now = kinds[KIND]
  if (now.phase === 'firing') {
    if (rate <= settings.close_rate) closeFinding(fold, KIND, 'recovered')
    return
  }
  if (rate < settings.open_rate) return dropPending(fold, KIND)
  pend(fold, KIND, clips.seen)
  if (warmUp.phase !== 'over') return
  const heldFor = clips.seen - Math.max(now.from, warmUp.overAt)
  if (heldFor >= Math.ceil(clips.size * settings.hold)) openFinding(fold, KIND, saturationEvidence(fold))
}

/** At the end of a run nothing more will come: what holds is judged at once. A warm-up that was seen to be one still excuses. */
export function judgeSaturationAtEnd(fold: Fold): void {
  const { clips, kinds, warmUp } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || kinds[KIND].phase === 'firing' || warmUp.phase === 'on') return
  if (clips.size < fold.settings.window.judge_at_end_from || clipRate(clips) < settings.open_rate) return
  openFinding(fold, KIND, saturationEvidence(fold))
}

function saturationEvidence(fold: Fold): Evidence {
  const { clips, norms } = fold.state
  const coefficient = meanCoefficient(fold)
  return {
    window: clips.size,
    clipped: clips.clipped,
    rate: significant(clipRate(clips), 4),
    mean_coefficient: coefficient === null ? null : significant(coefficient, 4),
    median_norm: norms.size === 0 ? null : significant(fromLog(fold.window.median()), 4),
    max_norm: capInForce(fold) ?? null,
    mode: fold.facts.clip.mode,
  }
}
