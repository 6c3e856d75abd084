import { ampOverflow } from './amp-overflow.ts'
import { ampUnderflow } from './amp-underflow.ts'
import { capBelowTypicalNorm } from './cap-below-typical-norm.ts'
import { inputsChanged } from './inputs-changed.ts'
import { lrTooHigh } from './lr-too-high.ts'
import { memorised } from './memorised.ts'
import { normGrowth } from './norm-growth.ts'
import { notedEvent } from './noted-event.ts'
import { notUnscaled } from './not-unscaled.ts'
import { oneLayer } from './one-layer.ts'
import { outlierBatches } from './outlier-batches.ts'
import { warmupNeeded } from './warmup-needed.ts'
import type { CauseRecord } from './cause.ts'

/** Every cause, by its name on the wire. */
export const causes = {
  lr_too_high: lrTooHigh,
  warmup_needed: warmupNeeded,
  amp_underflow: ampUnderflow,
  memorised,
  amp_overflow: ampOverflow,
  not_unscaled: notUnscaled,
  cap_below_typical_norm: capBelowTypicalNorm,
  outlier_batches: outlierBatches,
  norm_growth: normGrowth,
  one_layer: oneLayer,
  inputs_changed: inputsChanged,
  noted_event: notedEvent,
} as const satisfies Record<string, CauseRecord>

export type CauseName = keyof typeof causes

/** The title of a cause; for an unknown one its name. */
export function causeTitle(name: string): string {
  return Object.hasOwn(causes, name) ? causes[name as CauseName].title : name.replaceAll('_', ' ')
}
