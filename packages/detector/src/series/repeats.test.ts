import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lastRepeats, newRepeats, pushRepeat } from './repeats.ts'

it('the newest values come back as they were, as many as fit', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 60 }), (values) => {
      const repeats = newRepeats()
      for (const value of values) pushRepeat(repeats, 20, 6, value)
      const kept = lastRepeats(repeats, 100)
      expect(repeats.held).toBe(kept.length)
      expect(kept).toEqual(values.slice(values.length - kept.length))
      expect(repeats.values.length).toBeLessThanOrEqual(6)
      expect(kept.length).toBeLessThanOrEqual(20)
      // Nothing is dropped that there was room for.
      const rows = values.slice(-20).filter((value, i, all) => value !== all[i - 1]).length
      if (rows <= 6) expect(kept).toEqual(values.slice(-20))
    }),
  )
})
