import fc from 'fast-check'
import { expect, it } from 'vitest'
import { iso } from './to-wire.ts'

it('writes each instant as a Date does (property)', () => {
  const instant = fc.oneof(
    fc.integer({ min: 0, max: 4e12 }),
    fc.double({ min: 0, max: 4e12, noNaN: true }),
    fc.integer({ min: -8.64e15, max: 8.64e15 }),
    fc.constantFrom(0, 999, 86_399_999, 86_400_000, 253_402_300_799_999, 253_402_300_800_000),
  )
  fc.assert(
    fc.property(instant, (milliseconds) => {
      expect(iso(milliseconds)).toBe(new Date(milliseconds).toISOString())
    }),
    { numRuns: 1_000 },
  )
})
