import { closeFinding, dropPending, openFinding, pend } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'
import { fromLog, ZERO } from '../../series/log-scale.ts'
import { BLOCK } from '../../record/state.ts'
import { recent } from '../../series/ring.ts'
import { significant } from '../../series/round.ts'

const KIND = 'vanishing'

/** The norm has all but gone: against an absolute floor, against the run's own past, or to exactly 0. */
export function judgeVanishing(fold: Fold, log: number, loss = newestLoss(fold)): void {
  const { vanishing: own, kinds, norms } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled) return
  const isZero = log === ZERO
  const isLow = isZero
    ? loss !== 0
    : log < fold.thresholds.vanished ||
      (own.highest !== null && log < own.highest + fold.thresholds.vanishedRelative)
  own.low = isLow ? own.low + 1 : 0
  own.normal = isLow ? 0 : own.normal + 1
  if (kinds[KIND].phase === 'firing') {
    if (own.normal >= settings.points) closeFinding(fold, KIND, 'recovered')
  } else if (!isLow) dropPending(fold, KIND)
  else {
    pend(fold, KIND, norms.seen)
    if (own.low >= settings.points)
      openFinding(fold, KIND, kinds[KIND].since, {
        points: own.low,
        norm: significant(fromLog(log), 4),
        highest_median: own.highest === null ? null : significant(fromLog(own.highest), 4),
      })
  }
}

/** The newest loss that is finite: that of this step may come in another part. */
function newestLoss({ state }: Fold): number | undefined {
  const { values } = state.losses
  return values.values.length > 0 ? recent(values, 0) : undefined
}

/**
 * Remembers the highest median that a window had outside warm-up, once it holds enough to be judged. The first five
 * norms count at once: in a sparse log they may be all that there was before the fall.
 */
export function rememberHighest(fold: Fold): void {
  const { vanishing: own, norms, warmUp } = fold.state
  const isFull = norms.size >= fold.settings.window.judge_from && warmUp.phase !== 'on'
  if (!isFull && norms.seen !== BLOCK) return
  const median = fold.window.median()
  if (own.highest === null || median > own.highest) own.highest = median
}
