import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { MetricBuckets } from '#lib/chart/series-window.ts'
import { byLossReached, lowsOf, stepsToReach } from './loss-reached.ts'

function bucketsOf(values: readonly number[], every = 1): MetricBuckets {
  const step = values.map((_, i) => i * every)
  const finite = values.map((value) => (Number.isFinite(value) ? value : null))
  const nonfinite = finite.map((value) => (value === null ? 1 : 0))
  return {
    step,
    time: step,
    min: finite,
    max: finite,
    last: [...values],
    count: step.map(() => 1),
    nonfinite,
    over: step.map(() => 0),
  }
}
const reading = fc.oneof(
  { weight: 20, arbitrary: fc.double({ min: 0, max: 10, noNaN: true }) },
  fc.constantFrom(NaN, Infinity),
)
const readings = fc.array(reading, { maxLength: 200 })

describe('the lows of a loss', () => {
  it('fall all the way, at ascending steps, and are medians of what was read until then', () => {
    fc.assert(
      fc.property(readings, fc.integer({ min: 1, max: 100 }), (values, every) => {
        const lows = lowsOf(bucketsOf(values, every))
        lows.forEach(({ loss, step }, i) => {
          const before = lows[i - 1]
          if (before) expect([loss < before.loss, step > before.step]).toEqual([true, true])
          const seen = values.slice(0, step / every + 1).filter(Number.isFinite)
          expect(seen).toContain(loss)
          expect(seen.filter((value) => value <= loss).length).toBeGreaterThanOrEqual(3)
        })
      }),
    )
  })
  it('do not change when later readings come, as long as the median is over as many', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 100 }),
        fc.double({ min: 0.05, max: 0.95, noNaN: true }),
        (values, share) => {
          const long = values.slice(0, 109)
          const part = long.slice(0, Math.floor(long.length * share))
          expect(lowsOf(bucketsOf(long)).slice(0, lowsOf(bucketsOf(part)).length)).toEqual(
            lowsOf(bucketsOf(part)),
          )
        },
      ),
    )
  })
  it('are not made by one lucky batch', () => {
    const values = Array.from({ length: 60 }, (_, i) => (i === 30 ? 0.1 : 2))
    expect(lowsOf(bucketsOf(values))).toEqual([{ loss: 2, step: 4 }])
  })
  it('are none where fewer than five losses are finite', () => {
    expect(lowsOf(bucketsOf([3, 2, NaN, 1, 0.5]))).toEqual([])
  })
})

describe('a metric by the loss reached', () => {
  it('keeps every reading from the first low on: none is counted twice, no extreme is lost', () => {
    fc.assert(
      fc.property(readings, readings, (losses, norms) => {
        const lows = lowsOf(bucketsOf(losses))
        const { x, buckets: out } = byLossReached(bucketsOf(norms), lows)
        const kept = lows.length === 0 ? [] : norms.slice(lows[0]?.step)
        const finite = kept.filter(Number.isFinite)
        const total = (column: readonly number[]) => column.reduce((sum, value) => sum + value, 0)
        expect(total(out.count)).toBe(kept.length)
        expect(total(out.nonfinite)).toBe(kept.length - finite.length)
        expect(Math.max(...out.max.map((value) => value ?? -Infinity))).toBe(Math.max(...finite))
        expect(Math.min(...out.min.map((value) => value ?? Infinity))).toBe(Math.min(...finite))
        expect(x).toEqual([...new Set(x)].sort((a, b) => a - b))
      }),
    )
  })
  it('shows the norms between two lows at the low before', () => {
    const losses = [...Array.from({ length: 5 }, () => 3), 3, 3, ...Array.from({ length: 5 }, () => 1)]
    const lows = lowsOf(bucketsOf(losses))
    expect(lows).toEqual([
      { loss: 3, step: 4 },
      { loss: 1, step: 9 },
    ])
    const { x, buckets } = byLossReached(bucketsOf(losses.map((_, step) => step)), lows)
    expect([x, buckets.min, buckets.max, buckets.last]).toEqual([
      [1, 3],
      [9, 4],
      [11, 8],
      [11, 8],
    ])
  })
  it('says at which step each loss was reached', () => {
    const lows = [
      { loss: 3, step: 4 },
      { loss: 1, step: 9 },
    ]
    expect(stepsToReach(lows)).toMatchObject({ x: [1, 3], buckets: { last: [9, 4] } })
  })
})
