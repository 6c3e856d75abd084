import { closeFinding, openFinding } from '../findings.ts'
import { clipRate } from '../../record/clips.ts'
import type { Fold } from '../../record/fold.ts'
import { onsetOfNorm } from '../../record/onset.ts'
import { pointsPerIndependent } from '../../record/memory.ts'
import { ROBUST_SD } from '../../record/losses.ts'
import { fromLog } from '../../series/log-scale.ts'
import { restartReference } from '../../record/norms.ts'
import { significant } from '../../series/round.ts'
import { BLOCK } from '../../record/state.ts'

const KIND = 'clip_regime_change'
/** A rate that changes by this is a change, whatever the memory of the norms. */
const LARGEST = 0.95

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
  const rateChange = hasRate ? Math.abs(rate - rateBefore) : 0
  const normChange = hasNorm ? Math.abs(norm - normBefore) : 0
  if (rateChange < settings.rate_change && normChange < fold.thresholds.regime) return
  const memory = pointsPerIndependent(fold)
  if (memory > 1) {
    // Standard errors of what stands for fewer norms than there are.
    const error = Math.sqrt(memory * (1 / clips.size + 1 / (clips.reference * BLOCK)))
    const isRateChange =
      rateChange >= Math.min(LARGEST, Math.max(settings.rate_change, settings.errors * 0.5 * error))
    const isNormChange =
      normChange >= Math.max(fold.thresholds.regime, settings.errors * spread(fold) * error)
    if (!isRateChange && !isNormChange) return
  }
  openFinding(fold, KIND, onsetOfNorm(fold, 'either'), {
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

/** Robust standard deviation of the norms in the window, on the log scale. */
function spread({ window }: Fold): number {
  return ROBUST_SD * window.medianDistance(window.median())
}
