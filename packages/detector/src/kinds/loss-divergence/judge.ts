import { closeFinding, dropPending, openFinding, pend } from '../findings.ts'
import type { Evidence } from '../../contract.ts'
import type { Fold } from '../../record/fold.ts'
import { lossNoise } from '../../record/losses.ts'
import { significant } from '../../series/round.ts'

const KIND = 'loss_divergence'

/**
 * The loss has turned: it gave back half of a real fall, or stands above where it started. Only for a loss that has
 * been positive throughout: those of policy gradients change sign, and have no level to come back to.
 */
export function judgeDivergence(fold: Fold): void {
  const { losses, kinds, divergence } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || losses.size < settings.window_min) return
  const median = fold.losses.median()
  if (losses.start === null) {
    losses.start = median
    losses.lowest = median
  }
  if (median < losses.lowest) losses.lowest = median
  const excess = losses.positive ? excessOf(fold, median) : 0
  if (kinds[KIND].phase === 'firing') {
    if (excess <= 0) closeFinding(fold, KIND, 'recovered')
    return
  }
  if (!(excess > settings.noise * lossNoise(fold))) {
    divergence.held = 0
    return dropPending(fold, KIND)
  }
  pend(fold, KIND, losses.seen)
  divergence.held++
  if (divergence.held >= Math.max(settings.hold_min, Math.ceil(losses.size * settings.hold)))
    openFinding(fold, KIND, kinds[KIND].since, divergenceEvidence(fold, median))
}

/** At the end of a run nothing more will come: what holds is judged at once. */
export function judgeDivergenceAtEnd(fold: Fold): void {
  const { kinds, losses } = fold.state
  if (kinds[KIND].phase !== 'pending' || losses.seen < fold.settings.window.judge_at_end_from) return
  openFinding(fold, KIND, kinds[KIND].since, divergenceEvidence(fold, fold.losses.median()))
}

/** How far the loss stands above what it is judged by: its lowest after giving back, or its start; 0 when neither holds. */
function excessOf(fold: Fold, median: number): number {
  const { start, lowest } = fold.state.losses as { start: number; lowest: number }
  const settings = fold.settings[KIND]
  const fall = start - lowest
  const hasGivenBack = fall >= settings.fall * start && median - lowest >= settings.give_back * fall
  if (hasGivenBack) return median - lowest
  return median > (1 + settings.rise) * start ? median - start : 0
}

function divergenceEvidence(fold: Fold, median: number): Evidence {
  const { losses } = fold.state
  return {
    window: losses.size,
    loss: significant(median, 4),
    lowest: significant(losses.lowest, 4),
    start: significant(losses.start as number, 4),
    noise: significant(lossNoise(fold), 4),
  }
}
