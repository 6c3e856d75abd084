import type { Reading } from '../contract.ts'

type NumericField = Exclude<keyof Reading, 'step' | 'time' | 'layers'>

/** The metrics that the detector reads by their names on the wire, and the fields of a reading they fill. */
export const readingFields: readonly (readonly [metric: string, field: NumericField])[] = [
  ['grad_norm', 'gradNorm'],
  ['loss', 'loss'],
  ['lr', 'lr'],
  ['max_norm', 'cap'],
  ['clip_fraction', 'clipFraction'],
  ['max_abs_grad', 'maxAbsGrad'],
  ['post_norm', 'postNorm'],
  ['loss_scale', 'lossScale'],
  ['skipped', 'skipped'],
  ['zero_fraction', 'zeroFraction'],
]

/** A reading of nothing, for callers that fill and judge one object again and again. */
export function emptyReading(): Reading {
  return {
    step: 0,
    time: 0,
    gradNorm: undefined,
    loss: undefined,
    lr: undefined,
    cap: undefined,
    clipFraction: undefined,
    maxAbsGrad: undefined,
    postNorm: undefined,
    lossScale: undefined,
    skipped: undefined,
    zeroFraction: undefined,
    layers: undefined,
  }
}
