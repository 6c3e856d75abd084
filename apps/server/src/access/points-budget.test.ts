import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BURST } from './limits.ts'
import { PointsBudget } from './points-budget.ts'

it('lets a burst pass, then a steady rate, and says how long to wait', () => {
  const budget = new PointsBudget(100)
  expect(budget.take('r', 100 * BURST, 0)).toBe(0)
  expect(budget.take('r', 50, 0)).toBe(0.5)
  expect(budget.take('other', 50, 0)).toBe(0)
  expect(budget.take('r', 50, 499)).toBeCloseTo(0.001)
  expect(budget.take('r', 50, 500)).toBe(0)
})

it('lets a request pass that is larger than any budget, and makes the next one wait for it', () => {
  const budget = new PointsBudget(10)
  expect(budget.take('r', 1_000, 0)).toBe(0)
  expect(budget.take('r', 1, 0)).toBeCloseTo(90.1)
})

it('never lets more than a burst and the rate pass, whatever is asked, and never starves who waits as told', () => {
  const asks = fc.array(
    fc.record({ points: fc.integer({ min: 1, max: 500 }), wait: fc.integer({ min: 0, max: 2_000 }) }),
  )
  fc.assert(
    fc.property(asks, (list) => {
      const budget = new PointsBudget(100)
      let [now, passed] = [0, 0]
      for (const { points, wait } of list) {
        now += wait
        const seconds = budget.take('r', points, now)
        if (seconds === 0) passed += points
        else {
          now += Math.ceil(seconds * 1000)
          expect(budget.take('r', points, now)).toBe(0)
          passed += points
        }
      }
      expect(passed).toBeLessThanOrEqual(100 * BURST + (now / 1000) * 100 + 1e-6)
    }),
  )
})
