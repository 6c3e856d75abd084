import type { Fold } from './fold.ts'
import { push } from '../series/ring.ts'
import { shortened } from '../series/round.ts'
import { KEPT } from './state.ts'

/** Losses beyond are taken for this, so that differences of two stay finite. */
const LARGEST = 4e307

/** Takes a finite loss into the running median and its moves from point to point. */
export function addToLosses(fold: Fold, reading: number): void {
  const { losses } = fold.state
  const { window_share: share, window_min: min, window_max: max } = fold.settings.loss_divergence
  const loss = shortened(Math.min(Math.max(reading, -LARGEST), LARGEST))
  losses.seen++
  if (!(reading > 0)) losses.positive = false
  const { values } = losses
  const target = Math.min(losses.seen, max, Math.max(min, Math.floor(losses.seen * share)))
  if (losses.size === target) fold.losses.slide(loss)
  else {
    for (; losses.size >= target; losses.size--) fold.losses.shift()
    fold.losses.push(loss)
    losses.size++
  }
  push(values, KEPT, loss)
}

/** 1.4826 × the median absolute value is the standard deviation of a normal distribution, and deaf to outliers. */
export const ROBUST_SD = 1.4826

/** How far the loss moves from point to point: the robust standard deviation of its first differences. */
export function lossNoise(fold: Fold): number {
  return ROBUST_SD * fold.lossMoves.median()
}
