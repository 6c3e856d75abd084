import type { Fold } from './fold.ts'
import { push, recent } from '../series/ring.ts'
import { shortened } from '../series/round.ts'
import { KEPT } from './state.ts'

/** Moves from point to point that the noise is measured on: its error is then about a tenth. */
export const MOVES = 64

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
  const held = values.values.length
  if (held > 0) {
    const move = Math.abs(loss - recent(values, 0))
    if (held <= MOVES) fold.lossMoves.insert(move)
    else fold.lossMoves.replace(Math.abs(recent(values, MOVES - 1) - recent(values, MOVES)), move)
  }
  const target = Math.min(losses.seen, max, Math.max(min, Math.floor(losses.seen * share)))
  if (losses.size === target) fold.losses.replace(recent(values, losses.size - 1), loss)
  else {
    while (losses.size >= target) fold.losses.remove(recent(values, --losses.size))
    fold.losses.insert(loss)
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
