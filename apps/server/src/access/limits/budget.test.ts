import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Budget } from './budget.ts'

const BURST = 10

it('lets a burst pass, then a steady rate, and says how long to wait', () => {
  const budget = new Budget(100, BURST)
  budget.spend('r', 100 * BURST, 0)
  expect(budget.wait('r', 0)).toBe(0)
  budget.spend('r', 50, 0)
  expect(budget.wait('r', 0)).toBe(0.5)
  expect(budget.wait('other', 0)).toBe(0)
  expect(budget.wait('r', 400)).toBeCloseTo(0.1)
  expect(budget.wait('r', 500)).toBe(0)
})

it('over time lets no more than the burst, the rate and one last request pass', () => {
  const asks = fc.array(
    fc.record({ amount: fc.integer({ min: 1, max: 500 }), pause: fc.integer({ min: 0, max: 2_000 }) }),
  )
  fc.assert(
    fc.property(asks, (list) => {
      const budget = new Budget(100, BURST)
      let [now, passed] = [0, 0]
      for (const { amount, pause } of list) {
        now += pause
        if (budget.wait('r', now) > 0) continue
        budget.spend('r', amount, now)
        passed += amount
      }
      expect(passed).toBeLessThanOrEqual(100 * BURST + (now / 1000) * 100 + 500)
    }),
  )
})
