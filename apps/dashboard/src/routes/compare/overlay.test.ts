import { describe, expect, it } from 'vitest'
import { extent, isBestOnLog, overlay, readingAt } from './overlay.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

function bucketsOf(step: number[], values: number[]): MetricBuckets {
  const ones = step.map(() => 1)
  const none = step.map(() => 0)
  return {
    step,
    time: step,
    min: values,
    max: values,
    last: values,
    count: ones,
    nonfinite: none,
    over: none,
  }
}

describe('runs on one axis', () => {
  const a = { buckets: bucketsOf([0, 1, 2], [1, 2, 3]), x: [0, 1, 2] }
  const b = { buckets: bucketsOf([1, 3], [10, NaN]), x: [1, 3] }

  it('stand side by side by step, and a run leaves the others’ steps open', () => {
    const [x, , , lastA, , , , lastB] = overlay([a, b], false, 0)
    expect(x).toEqual([0, 1, 2, 3])
    expect(lastA).toEqual([1, 2, 3, undefined])
    expect(lastB).toEqual([undefined, 10, undefined, null])
  })
  it('are smoothed on request, each over its own steps', () => {
    const [, , , , smoothA, , , , smoothB] = overlay([a, b], false, 1)
    expect(smoothA?.slice(0, 2)).toEqual([1, (0.5 + 2) / 1.5])
    expect(smoothB).toEqual([undefined, 10, undefined, null])
  })
  it('are read at the nearest of their own steps, and nowhere else', () => {
    expect([null, 0.6, 3].map((at) => readingAt(a, at, 'step'))).toEqual([3, 2, undefined])
  })
  it('are read where they end: at the newest step, or at the lowest loss, which comes first by loss', () => {
    expect(readingAt(a, null, 'elapsed')).toBe(3)
    expect(readingAt(a, null, 'loss')).toBe(1)
  })
  it.each([
    ['a start far above the rest', [5, 0.2, 0.1], true],
    ['a start little above the rest', [2, 1, 0.5], false],
    ['readings at or below 0, which have no place there', [5, 0.2, 0.1, 0], false],
    ['no readings', [], false],
  ])('know that %s is best seen on a log axis, or not', (_, values, best) => {
    const steps = values.map((_value, step) => step)
    expect(isBestOnLog([{ buckets: bucketsOf(steps, values), x: steps }])).toBe(best)
  })
  it('reach from the first to the last step of any', () => {
    expect(extent([a, b])).toEqual({ min: 0, max: 3 })
    expect(extent([])).toEqual({ min: 0, max: 1 })
  })
})
