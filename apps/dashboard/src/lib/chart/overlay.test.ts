import { describe, expect, it } from 'vitest'
import { extent, overlay } from '#lib/chart/overlay.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'

function bucketsOf(step: number[], values: number[], time = step): MetricBuckets {
  const ones = step.map(() => 1)
  const none = step.map(() => 0)
  return { step, time, min: values, max: values, last: values, count: ones, nonfinite: none, over: none }
}

describe('runs on one axis', () => {
  const a = { buckets: bucketsOf([0, 1, 2], [1, 2, 3], [100, 101, 102]), startedAt: 100 }
  const b = { buckets: bucketsOf([1, 3], [10, NaN], [500, 501]), startedAt: 500 }

  it('stand side by side by step, and a run leaves the others’ steps open', () => {
    const [x, , , lastA, , , lastB] = overlay([a, b], 'step', false)
    expect(x).toEqual([0, 1, 2, 3])
    expect(lastA).toEqual([1, 2, 3, undefined])
    expect(lastB).toEqual([undefined, 10, undefined, null])
  })
  it('begin at one place by time since their starts', () => {
    expect(overlay([a, b], 'elapsed', false)[0]).toEqual([0, 1, 2])
    expect(extent([a, b], 'elapsed')).toEqual({ min: 0, max: 2 })
  })
  it('reach from the first to the last step of any', () => {
    expect(extent([a, b], 'step')).toEqual({ min: 0, max: 3 })
    expect(extent([], 'step')).toEqual({ min: 0, max: 1 })
  })
})
