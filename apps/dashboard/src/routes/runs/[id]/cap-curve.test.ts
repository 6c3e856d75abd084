import { describe, expect, it } from 'vitest'
import { capAt, distribution, effectAt, rangeOf, shareOfAxis } from './cap-curve.ts'

const curve = [
  { cap: 0.1, clip_rate: 0.9, mean_coefficient: 0.2 },
  { cap: 1, clip_rate: 0.4, mean_coefficient: 0.8 },
  { cap: 10, clip_rate: 0, mean_coefficient: 1 },
]

describe('the what-if', () => {
  it('reads the distribution of the norms off the clip rates', () => {
    expect(distribution(curve).map(({ share }) => share)).toEqual([0.5, 0.4])
  })
  it('guesses between two caps on the log axis, and keeps to the ends beyond them', () => {
    const halfWay = effectAt(curve, Math.sqrt(10))
    expect(halfWay?.clip_rate).toBeCloseTo(0.2)
    expect(halfWay?.mean_coefficient).toBeCloseTo(0.9)
    expect(effectAt(curve, 1)?.clip_rate).toBe(0.4)
    expect(effectAt(curve, 1000)?.clip_rate).toBe(0)
    expect(effectAt(curve, 0.001)?.clip_rate).toBe(0.9)
    expect(effectAt([], 1)).toBeUndefined()
  })
  it('goes from the axis to a cap and back', () => {
    const range = rangeOf(curve) as { low: number; high: number }
    expect(capAt(0.5, range)).toBe(1)
    expect(shareOfAxis(1, range)).toBeCloseTo(0.5)
    expect([shareOfAxis(1e-9, range), shareOfAxis(1e9, range)]).toEqual([0, 1])
    expect(rangeOf(curve.slice(0, 1))).toBeUndefined()
  })
})
