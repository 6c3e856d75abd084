import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'

const KIND = 'nonfinite'

/** A finite norm or loss came in. A step counts once, whichever of the two it has, and in however many parts. */
export function seeFinite(fold: Fold): void {
  const own = fold.state.nonfinite
  if (!startStep(fold)) return
  own.clean++
  if (fold.state.kinds[KIND].phase === 'firing' && own.clean >= fold.settings[KIND].close_after) {
    closeFinding(fold, KIND, 'recovered')
  }
}

/**
 * NaN or ±Infinity came in. Without a loss scaler one is enough. A scaler overflows now and then by design: with one it
 * takes a streak, a share, or a scale that can go no lower.
 */
export function seeNonfinite(fold: Fold, metric: 'grad_norm' | 'loss', value: number): void {
  const { nonfinite: own, scale, kinds } = fold.state
  const settings = fold.settings[KIND]
  startStep(fold)
  own.clean = 0
  if (own.badStep !== fold.step) {
    own.badStep = fold.step
    if (own.streak++ === 0) own.streakFrom = fold.step
    own.at.push(own.points)
    if (own.at.length > settings.amp_count) own.at.splice(0, own.at.length - settings.amp_count)
  }
  if (!settings.enabled || kinds[KIND].phase === 'firing') return
  const oldest = own.at[0] as number
  const isOften = own.at.length >= settings.amp_count && own.points - oldest < settings.amp_points
  const hasScaler = scale.seen > 0 && scale.value > settings.amp_min_scale
  if (hasScaler && own.streak < settings.amp_streak && !isOften) return
  openFinding(fold, KIND, own.streakFrom, {
    metric,
    value,
    streak: own.streak,
    loss_scale: scale.seen > 0 ? scale.value : null,
  })
}

/** Whether this step is new to the count. A streak ends only when a whole step went by without a bad part. */
function startStep(fold: Fold): boolean {
  const own = fold.state.nonfinite
  if (own.lastStep >= fold.step) return false
  if (own.badStep !== own.lastStep) own.streak = 0
  own.lastStep = fold.step
  own.points++
  return true
}
