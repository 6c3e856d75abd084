import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'

const KIND = 'skip_streak'

/** The optimiser skips step after step: the loss scaler does not find its level, or every gradient overflows. */
export function judgeSkips(fold: Fold, skipped: number): void {
  const { skips, kinds, scale } = fold.state
  const settings = fold.settings[KIND]
  const isSkipped = skipped > 0
  if (isSkipped && skips.streak === 0) skips.from = fold.step
  skips.streak = isSkipped ? skips.streak + 1 : 0
  skips.taken = isSkipped ? 0 : skips.taken + 1
  if (isSkipped) skips.total++
  if (!settings.enabled) return
  if (kinds[KIND].phase === 'firing') {
    if (skips.taken >= settings.close_after) closeFinding(fold, KIND, 'recovered')
  } else if (skips.streak >= settings.open_after)
    openFinding(fold, KIND, skips.from, {
      streak: skips.streak,
      skipped_in_all: skips.total,
      loss_scale: scale.seen > 0 ? scale.value : null,
    })
}
