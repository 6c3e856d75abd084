import { describe, expect, it } from 'vitest'
import { clippedAbove, clipRule, isClipped } from './clipped-step.ts'
import type { Clip } from '../contract.ts'

const byNorm: Clip = { mode: 'norm', max_norm: 28 }
const byValue: Clip = { mode: 'value', clip_value: 0.5 }

describe('a step is clipped', () => {
  it.each<[string, Clip, number | undefined, number | undefined, number | undefined, boolean | undefined]>([
    ['when its norm is above the cap', byNorm, 28.1, undefined, undefined, true],
    ['not when its norm is the cap', byNorm, 28, undefined, undefined, false],
    ['not by the rounding of float32 above the cap', byNorm, 28.0000076, undefined, undefined, false],
    ['by its own cap before that of the run', byNorm, 5, 4, undefined, true],
    ['not below its own cap', byNorm, 30, 40, undefined, false],
    ['never by an infinite cap of its own', byNorm, 1e9, Infinity, undefined, false],
    ['by the cap of the run when its own is 0', byNorm, 29, 0, undefined, true],
    ['by the cap of the run when its own is negative', byNorm, 29, -1, undefined, true],
    ['by the cap of the run when its own is NaN', byNorm, 29, NaN, undefined, true],
    [
      'above a reference cap of a run that only logs',
      { mode: 'none', max_norm: 2 },
      3,
      undefined,
      undefined,
      true,
    ],
    ['never without a cap', { mode: 'none' }, 1e9, undefined, undefined, false],
    ['never with a cap of null', { mode: 'none', max_norm: null }, 1e9, undefined, undefined, false],
    ['never with a cap of 0', { mode: 'norm', max_norm: 0 }, 1e9, undefined, undefined, false],
    ['never with a cap of -1', { mode: 'none', max_norm: -1 }, 1e9, undefined, undefined, false],
    ['never with a cap of NaN', { mode: 'norm', max_norm: NaN }, 1e9, undefined, undefined, false],
    ['by value from one element in a hundred on', byValue, undefined, undefined, 0.01, true],
    ['not by value below that', byValue, 1e9, 1, 0.009, false],
    ['by value from the threshold of the run on', { ...byValue, fraction_threshold: 0.5 }, 0, 0, 0.4, false],
    ['cannot be said without a norm', byNorm, undefined, 1, 1, undefined],
    ['cannot be said of a norm that is not finite', byNorm, Infinity, undefined, undefined, undefined],
    ['cannot be said by value without a fraction', byValue, 3, 1, undefined, undefined],
    ['cannot be said by value of a fraction that is not finite', byValue, 3, 1, NaN, undefined],
  ])('%s', (_, clip, norm, ownCap, fraction, expected) => {
    expect(isClipped(clipRule(clip), norm, ownCap, fraction)).toBe(expected)
  })

  it('above a bar that is the cap and room for rounding', () => {
    expect(clippedAbove(1)).toBeGreaterThan(1)
    expect(clippedAbove(1)).toBeLessThan(1.00001)
    expect([0, -1, NaN, Infinity].map(clippedAbove)).toEqual([Infinity, Infinity, Infinity, Infinity])
  })
})
