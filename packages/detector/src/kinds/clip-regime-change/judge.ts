import { closeFinding, openFinding } from '../findings.ts'
import { clipRate } from '../../record/clips.ts'
import type { Fold } from '../../record/fold.ts'
import { fromLog } from '../../series/log-scale.ts'
import { restartReference } from '../../record/norms.ts'
import { significant } from '../../series/round.ts'
import { BLOCK } from '../../record/state.ts'

const KIND = 'clip_regime_change'

/**
 * The window no longer looks like the norms before it. One-off: it opens and closes at the same step, and "the norms
 * before" begin anew behind it, so that one change is one finding.
 */
export function judgeRegime(fold: Fold): void {
  const { clips, norms, warmUp } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || warmUp.phase !== 'over') return
  const { judge_from: judgeFrom } = fold.settings.window
  const hasRate = clips.size >= judgeFrom && clips.reference * BLOCK >= settings.reference_min
  const rate = clipRate(clips)
  const rateBefore = clips.referenceClipped / (clips.reference * BLOCK)
  const hasNorm = norms.size >= judgeFrom && norms.reference * BLOCK >= settings.reference_min
  const norm = fold.window.median()
  const normBefore = fold.reference.median()
  const isChange =
    (hasRate && Math.abs(rate - rateBefore) >= settings.rate_change) ||
    (hasNorm && Math.abs(norm - normBefore) >= fold.thresholds.regime)
  if (!isChange) return
  openFinding(fold, KIND, {
    window: Math.max(clips.size, norms.size),
    before: Math.max(clips.reference, norms.reference) * BLOCK,
    rate: hasRate ? significant(rate, 4) : null,
    rate_before: hasRate ? significant(rateBefore, 4) : null,
    median_norm: hasNorm ? significant(fromLog(norm), 4) : null,
    median_norm_before: hasNorm ? significant(fromLog(normBefore), 4) : null,
  })
  closeFinding(fold, KIND, 'recovered')
  restartReference(fold)
}
