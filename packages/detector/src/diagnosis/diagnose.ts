import type { Cause, FindingKind } from '../contract.ts'
import type { Fold } from '../fold.ts'
import { significant } from '../round.ts'
import { ampOverflow } from './amp-overflow.ts'
import { ampUnderflow } from './amp-underflow.ts'
import { capBelowTypicalNorm } from './cap-below-typical-norm.ts'
import { lrTooHigh } from './lr-too-high.ts'
import { normGrowth } from './norm-growth.ts'
import { notUnscaled } from './not-unscaled.ts'
import { oneLayer } from './one-layer.ts'
import { outlierBatches } from './outlier-batches.ts'
import { warmupNeeded } from './warmup-needed.ts'

type Question = (fold: Fold) => Cause | undefined

/** The causes that can stand behind each kind; kinds that are their own explanation have none. */
const QUESTIONS: Readonly<Record<FindingKind, readonly Question[]>> = {
  clip_saturated: [lrTooHigh, warmupNeeded, notUnscaled, capBelowTypicalNorm, normGrowth, oneLayer],
  clip_regime_change: [lrTooHigh, notUnscaled, normGrowth, oneLayer, ampUnderflow],
  nonfinite: [ampOverflow, lrTooHigh, outlierBatches, normGrowth, oneLayer],
  spike: [outlierBatches, notUnscaled, oneLayer],
  vanishing: [ampUnderflow],
  loss_divergence: [lrTooHigh, notUnscaled, outlierBatches, normGrowth, oneLayer],
  skip_streak: [ampOverflow],
  clip_ineffective: [],
  looks_post_clip: [],
  stalled: [],
}

/**
 * What the record says about why this kind opens now, the weightiest first. Asked once a finding. An empty list is a
 * right answer: the record shows no cause.
 */
export function diagnose(fold: Fold, kind: FindingKind): readonly Cause[] {
  return QUESTIONS[kind]
    .map((ask) => ask(fold))
    .filter((cause) => cause !== undefined)
    .map((cause) => ({
      ...cause,
      weight: significant(Math.min(1, Math.max(0, cause.weight)), 2),
      because: cause.because.charAt(0).toUpperCase() + cause.because.slice(1),
    }))
    .sort((a, b) => b.weight - a.weight)
}
