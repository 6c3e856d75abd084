import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quantile } from './statistics.ts'
import { SlidingWindow } from './sliding-window.ts'

// The detector puts no -0 in: it would change in JSON.
const value = fc
  .oneof(fc.integer({ min: -5, max: 5 }), fc.double({ noNaN: true, noDefaultInfinity: true }))
  .map((one) => one + 0)

/** What comes and goes: a value is pushed, slides in for the oldest, or the oldest is dropped; and is the median asked for then? */
const move = fc.record({
  value,
  kind: fc.constantFrom('push', 'push', 'slide', 'slide', 'slide', 'shift'),
  isAsked: fc.oneof(
    { weight: 3, arbitrary: fc.constant(false) },
    { weight: 1, arbitrary: fc.constant(true) },
  ),
})
const moves = fc.array(move, { maxLength: 300 })

describe('a sliding window', () => {
  it('holds the newest values, however they come and go', () => {
    fc.assert(
      fc.property(moves, fc.array(value, { maxLength: 70 }), fc.boolean(), (moves, start, isAskedAlways) => {
        const window = new SlidingWindow(4, start)
        const held = [...start]
        for (const { kind, value, isAsked } of moves) {
          if (held.length > 0 && kind !== 'push') held.shift()
          else if (kind !== 'push') continue
          if (kind === 'shift') window.shift()
          else held.push(value)
          if (kind === 'push') window.push(value)
          if (kind === 'slide') window.slide(value)
          expect(window.size).toBe(held.length)
          if (!isAsked && !isAskedAlways) continue
          const median = quantile(held, 0.5)
          if (held.length > 0) {
            expect(window.medianAtLeast()).toBeLessThanOrEqual(median)
            expect(window.medianAtMost()).toBeGreaterThanOrEqual(median)
          }
          expect(window.median()).toBe(median)
        }
        expect(window.quantile(0.1)).toBe(quantile(held, 0.1))
        expect(window.largest()).toBe(Math.max(...held))
        window.clear()
        expect(window.size).toBe(0)
      }),
    )
  })

  it('finds the median of a series that climbs, falls and stands still', () => {
    const window = new SlidingWindow(100)
    const held: number[] = []
    for (let i = 0; i < 2000; i++) {
      const next = i < 700 ? i : i < 1400 ? Math.round(Math.sin(i) * 50) - i : 5
      held.push(next)
      if (held.length <= 100) window.push(next)
      else window.slide(next)
      expect(window.median()).toBe(quantile(held.slice(-100), 0.5))
    }
  })

  it('finds the median of full windows, in which values repeat, however seldom it is asked for', () => {
    const value = fc.integer({ min: 0, max: 3 })
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 200, maxLength: 300 }),
        fc.integer({ min: 1, max: 20 }),
        (values, every) => {
          const window = new SlidingWindow(16, values.slice(0, 16))
          for (let i = 16; i < values.length; i++) {
            window.slide(values[i] as number)
            if (i % every === 0) expect(window.median()).toBe(quantile(values.slice(i - 15, i + 1), 0.5))
          }
        },
      ),
    )
  })

  it('gives the median distance from its median', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 }), { minLength: 1, maxLength: 31 }), (values) => {
        const window = new SlidingWindow(8, values)
        const median = window.median()
        const distances = values.map((one) => Math.abs(one - median)).sort((a, b) => a - b)
        expect(window.medianDistance(median)).toBe(distances[values.length >> 1])
      }),
    )
  })

  it('is NaN when empty', () => {
    const empty = new SlidingWindow(4)
    expect([empty.median(), empty.quantile(0.1), empty.medianDistance(0)]).toEqual([NaN, NaN, NaN])
  })
})
