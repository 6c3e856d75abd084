import fc from 'fast-check'
import { expect, it } from 'vitest'
import { shortened } from './round.ts'

const nearPowersOfTen = fc
  .tuple(fc.integer({ min: -29, max: 30 }), fc.integer({ min: -3, max: 3 }))
  .map(([exponent, ulps]) => Number(`1e${exponent}`) * (1 + ulps * Number.EPSILON))
const value = fc
  .tuple(
    fc.oneof(nearPowersOfTen, fc.double({ min: 1e-300, max: 1e300, noNaN: true })),
    fc.constantFrom(1, -1),
  )
  .map(([size, sign]) => sign * size)

it('a value has six digits, whatever was shortened before', () => {
  fc.assert(
    fc.property(value, value, (before, value) => {
      shortened(before)
      const short = shortened(value)
      expect(Math.abs(short - value)).toBeLessThanOrEqual(5.01e-6 * Math.abs(value))
      shortened(value < 2 ? 7 : 0.3)
      expect(shortened(value)).toBe(short)
    }),
    { numRuns: 1000 },
  )
})
