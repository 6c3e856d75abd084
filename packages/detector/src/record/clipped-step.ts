import type { Clip } from '../contract.ts'

/** The rule by which a run's steps count as clipped. */
export type ClipRule =
  | { readonly by: 'norm'; /** Infinity: the run has none. */ readonly cap: number }
  | { readonly by: 'fraction'; readonly threshold: number }

/** The share of clamped elements from which a step counts as clipped by value: one outlier element is not saturation. */
const DEFAULT_FRACTION_THRESHOLD = 0.01

/** A norm that is larger than the cap by less than this, relative to it, is the cap after rounding to float32. */
const ROUNDING = 1e-6

/** The rule of a run: clipping by norm and a reference cap go by the norm, clipping by value by the share of clamped elements. */
export function clipRule(clip: Clip): ClipRule {
  return clip.mode === 'value'
    ? { by: 'fraction', threshold: clip.fraction_threshold ?? DEFAULT_FRACTION_THRESHOLD }
    : { by: 'norm', cap: capOfStep(clip.max_norm, Infinity) }
}

/**
 * The cap in force at a step: its own (`max_norm` logged as a metric) where it has one, else the run's. `Infinity`
 * means that this step is not clipped; 0, a negative number and NaN are not caps.
 */
export function capOfStep(ownCap: number | null | undefined, capOfRun: number): number {
  return ownCap != null && ownCap > 0 ? ownCap : capOfRun
}

/** The norm above which a step counts as clipped by this cap: the cap and room for rounding; Infinity without a cap. */
export function clippedAbove(cap: number): number {
  return cap > 0 ? cap * (1 + ROUNDING) : Infinity
}

/**
 * Was this step clipped? The detector, the store, the charts and the what-if all use this rule.
 *
 * `norm` is the norm before clipping, `ownCap` the step's `max_norm` and `fraction` its `clip_fraction`; `undefined`
 * if the step has none. `undefined` if unknown: no finite norm, or by value no finite fraction.
 * Without a cap nothing is clipped.
 */
export function isClipped(
  rule: ClipRule,
  norm: number | undefined,
  ownCap: number | undefined,
  fraction: number | undefined,
): boolean | undefined {
  if (rule.by === 'fraction')
    return fraction !== undefined && Number.isFinite(fraction) ? fraction >= rule.threshold : undefined
  return norm !== undefined && Number.isFinite(norm)
    ? norm > clippedAbove(capOfStep(ownCap, rule.cap))
    : undefined
}
