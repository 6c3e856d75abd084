import type { Fold } from '../record/fold.ts'
import { lossNoise } from '../record/losses.ts'
import { lastRepeats } from '../series/repeats.ts'
import { lastOf } from '../series/ring.ts'
import { KEPT } from '../record/state.ts'
import { median } from '../series/statistics.ts'

/** The norms of the window on the log scale, oldest first. */
export function windowNorms(fold: Fold): number[] {
  const { log, size } = fold.state.norms
  return lastOf(log, size)
}

/** The newest fifth of the window, at least five: the current state, while the rest of the window may be older. */
export function newestNorms(fold: Fold): number[] {
  const { log, size } = fold.state.norms
  return lastOf(log, Math.max(5, Math.ceil(size / 5)))
}

/**
 * The newest norms beside the lr (or the loss scale) in force at each; those from before its first reading left out.
 * Beside lr those of the window; beside the scale, which changes seldom, all that are kept.
 */
export function normsBeside(fold: Fold, other: 'lr' | 'scale'): { norms: number[]; others: number[] } {
  const { norms } = fold.state
  const others = other === 'lr' ? lastOf(norms.lr, norms.size) : lastRepeats(norms.scale, KEPT)
  return { norms: lastOf(norms.log, others.length), others }
}

export interface LossTrend {
  /** Medians of the first and the last third of the losses looked at. */
  readonly from: number
  readonly to: number
  readonly points: number
  readonly direction: 'rising' | 'falling' | 'flat'
  /** The robust deviation from point to point is a tenth of the level or more. */
  readonly isRough: boolean
  readonly noise: number
}

/** Losses that a trend can be read from. */
const TREND_POINTS = 12

/** How the loss has moved over as many points as the window of norms has; `undefined` with too few to say. */
export function lossTrend(fold: Fold): LossTrend | undefined {
  const { losses, norms } = fold.state
  const values = lastOf(losses.values, Math.min(KEPT, Math.max(norms.size, TREND_POINTS)))
  if (values.length < TREND_POINTS) return undefined
  const third = Math.floor(values.length / 3)
  const from = median(values.slice(0, third))
  const to = median(values.slice(-third))
  const noise = lossNoise(fold)
  // The medians of two thirds of pure noise differ by less than this in 95 of 100 cases.
  const bar = (2 * 1.25 * noise) / Math.sqrt(third)
  const isMoved = Math.abs(to - from) > bar && Math.abs(to - from) > 0.01 * Math.abs(from)
  return {
    from,
    to,
    points: values.length,
    direction: !isMoved ? 'flat' : to > from ? 'rising' : 'falling',
    isRough: noise >= 0.1 * Math.abs(median(values)),
    noise,
  }
}
