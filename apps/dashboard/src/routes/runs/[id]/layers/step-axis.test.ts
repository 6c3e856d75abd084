import fc from 'fast-check'
import { expect, it } from 'vitest'
import { stepAxis } from './step-axis.ts'

const steps = fc
  .uniqueArray(fc.nat({ max: 100_000 }), { minLength: 1, maxLength: 200 })
  .map((list) => list.sort((a, b) => a - b))

it('lays the stretches beside each other without a gap, from the first step to the end of the last', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 50 }), (step, bucket) => {
      const axis = stepAxis(step, bucket)
      let before = 0
      step.forEach((_, i) => {
        const [from, to] = axis.endsOf(i)
        expect(from).toBe(before)
        expect(to).toBeGreaterThan(from)
        expect(axis.at((from + to) / 2)).toBe(i)
        before = to
      })
      expect(before).toBe(1)
    }),
  )
})

it('puts a step where it is, whatever was logged around it', () => {
  const axis = stepAxis([0, 10, 20, 50], 10)
  expect(axis.end).toBe(80)
  expect(axis.shareOf(40)).toBe(0.5)
  expect(axis.at(0.5)).toBe(2)
})
