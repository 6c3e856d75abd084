import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quantile } from './statistics.ts'
import { SortedWindow } from './sorted-window.ts'

// The detector puts no -0 in: it would change in JSON.
const value = fc
  .oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((one) => one + 0)

/** A window of at most `size` newest values, kept by replacing the oldest. */
function slide(values: readonly number[], size: number): { window: SortedWindow; held: number[] } {
  const window = new SortedWindow(4)
  values.forEach((next, i) => {
    if (i < size) window.insert(next)
    else window.replace(values[i - size] as number, next)
  })
  return { window, held: values.slice(-size) }
}

describe('a sorted window', () => {
  it('holds the newest values in order, however they come and go', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        (values, size) => {
          const { window, held } = slide(values, size)
          const sorted = Float64Array.from(held).sort()
          expect(Array.from(sorted, (_, i) => window.at(i))).toEqual([...sorted])
          expect(window.median()).toBe(quantile(held, 0.5))
          expect(window.quantile(0.1)).toBe(quantile(held, 0.1))
          window.remove(held[0] as number)
          expect(window.size).toBe(held.length - 1)
        },
      ),
    )
  })

  it('gives the median distance from its median', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 31 }), (values) => {
        const window = new SortedWindow(8, values)
        const median = window.median()
        const distances = values.map((one) => Math.abs(one - median)).sort((a, b) => a - b)
        expect(window.medianDistance(median)).toBe(distances[values.length >> 1])
      }),
    )
  })

  it('is NaN when empty', () => {
    expect(new SortedWindow(4).median()).toBeNaN()
  })
})
