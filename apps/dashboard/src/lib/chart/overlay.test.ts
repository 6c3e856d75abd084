import { describe, expect, it } from 'vitest'
import { extent, overlay } from '#lib/chart/overlay.ts'
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
    const [x, , , lastA, , , lastB] = overlay([a, b], false)
    expect(x).toEqual([0, 1, 2, 3])
    expect(lastA).toEqual([1, 2, 3, undefined])
    expect(lastB).toEqual([undefined, 10, undefined, null])
  })
  it('reach from the first to the last step of any', () => {
    expect(extent([a, b])).toEqual({ min: 0, max: 3 })
    expect(extent([])).toEqual({ min: 0, max: 1 })
  })
})
