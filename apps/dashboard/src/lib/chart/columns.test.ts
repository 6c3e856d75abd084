import { describe, expect, it } from 'vitest'
import {
  bandRuns,
  capColumn,
  chartColumns,
  clipRate,
  marksAtOrBelowZero,
  marksOfNonfinite,
  mergeMarks,
  nearest,
  postClip,
  ribbonCells,
  smoothed,
  xOf,
} from '#lib/chart/columns.ts'
import { windowOf, type MetricBuckets } from '#lib/chart/series-window.ts'

function points(
  values: readonly (number | 'NaN' | 'Infinity')[],
  steps = values.map((_, i) => i),
  cap = 1,
): MetricBuckets {
  const finite = values.map((value) => (typeof value === 'number' ? value : null))
  const series = {
    step: [...steps],
    time: steps.map((step) => 1000 + 2 * step),
    min: finite,
    max: finite,
    mean: finite,
    last: [...values],
    count: values.map(() => 1),
    nonfinite: values.map((value) => (typeof value === 'number' ? 0 : 1)),
    over: values.map((value) => (typeof value === 'number' && value > cap ? 1 : 0)),
  }
  const reply = { from: 0, to: 9, total: values.length, bucket: 1, series: { grad_norm: series } }
  return windowOf(reply, { from: 0, to: 9 }, 9).metrics.get('grad_norm') as MetricBuckets
}

describe('chart columns', () => {
  it('break the line at a reading that is not finite, and mark it', () => {
    const buckets = points([1, 'NaN', 3, 'Infinity'])
    expect(chartColumns(buckets, buckets.step, false).last).toEqual([1, null, 3, null])
    expect(marksOfNonfinite(buckets, buckets.step)).toEqual([
      { x: 1, count: 1 },
      { x: 3, count: 1 },
    ])
  })
  it('break the line across a hole in the record, not across a regular stride', () => {
    const buckets = points([1, 2, 3, 4], [0, 10, 20, 60])
    const columns = chartColumns(buckets, buckets.step, false)
    expect(columns.x).toEqual([0, 10, 20, 40, 60])
    expect(columns.last).toEqual([1, 2, 3, null, 4])
  })
  it('give zero cannot be shown on a log axis but a mark', () => {
    const buckets = points([1, 0, 2])
    expect(chartColumns(buckets, buckets.step, true).last).toEqual([1, null, 2])
    expect(chartColumns(buckets, buckets.step, false).last).toEqual([1, 0, 2])
    expect(marksAtOrBelowZero(buckets, buckets.step)).toEqual([{ x: 1, count: 0 }])
  })
  it('keep the spike of a bucket, and its band down to what a log axis can show', () => {
    const buckets = { ...points([2, 2]), min: [0, 1], max: [50, 3] }
    const columns = chartColumns(buckets, [0, 128], true)
    expect(columns.max).toEqual([50, 3])
    expect(columns.min).toEqual([50, 1])
  })
  it('have a band where a bucket has more than one reading, broken where the line is', () => {
    expect(bandRuns([1, 1, null, 2, 2, null, 1], [1, 3, null, 2, 2, null, 2])).toEqual([
      [0, 1],
      [6, 6],
    ])
  })
  it('count steps, wall time or time since the start', () => {
    const buckets = points([1, 1, 1])
    expect(xOf(buckets, 'step', 1000)).toEqual([0, 1, 2])
    expect(xOf(buckets, 'time', 1000)).toEqual([1000, 1002, 1004])
    expect(xOf(buckets, 'elapsed', 1000)).toEqual([0, 2, 4])
  })
})

describe('caps', () => {
  it('step where a cap was logged, and are the run’s own before', () => {
    expect(capColumn([0, 1, 2, 3], { x: [1, 3], values: [5, Infinity] }, 1)).toEqual([1, 5, 5, null])
    expect(capColumn([0, 1], { x: [], values: [] }, null)).toEqual([null, null])
  })
  it('bound the post-clip norm', () => {
    expect(postClip([0.5, 3, null, 4], [1, 1, 1, null])).toEqual([0.5, 1, null, 4])
  })
})

describe('smoothing', () => {
  it('leaves a constant as it is, and weighs a reading by how far back it lies', () => {
    for (const value of smoothed([0, 1, 7], [3, 3, 3], 2, false)) expect(value).toBeCloseTo(3)
    const [first, second] = smoothed([0, 2], [1, 4], 2, false)
    expect(first).toBe(1)
    expect(second).toBeCloseTo((0.5 * 1 + 4) / 1.5)
  })
  it('breaks where the line breaks, and averages logarithms on a log axis', () => {
    const [first, hole, third] = smoothed([0, 1, 1000], [1, null, 100], 1, true)
    expect([first, hole]).toEqual([1, null])
    expect(third).toBeCloseTo(100)
    expect(smoothed([0, 0], [1, 100], 1, true)[1]).toBeCloseTo(10)
  })
})

describe('clipping', () => {
  it('is told by the ribbon bucket by bucket', () => {
    const buckets = { ...points([2, 2, 2]), count: [4, 4, 4], over: [0, 1, 4] }
    expect(ribbonCells(buckets, [0, 4, 8])).toEqual([
      { from: 0, to: 4, share: 0 },
      { from: 4, to: 8, share: 0.25 },
      { from: 8, to: 12, share: 1 },
    ])
  })
  it('has a rate over the last points, once there are enough', () => {
    expect(clipRate(points([2, 0, 0, 2, 2, 2]), 3)).toEqual([null, null, 1 / 3, 1 / 3, 2 / 3, 1])
  })
  it('judges no norm that is not finite', () => {
    const readings = points([2, 'NaN', 0, 'Infinity', 2])
    expect(clipRate(readings, 2)).toEqual([null, null, 1 / 2, 1 / 2, 1 / 2])
    expect(
      ribbonCells({ ...readings, count: [1, 3, 1, 1, 1], over: [1, 2, 0, 0, 1] }, readings.step)[1],
    ).toEqual({
      from: 1,
      to: 2,
      share: 1,
    })
  })
  it('takes a coarse bucket’s own share as the rate', () => {
    const buckets = { ...points([2, 2]), count: [256, 256], over: [64, 256] }
    expect(clipRate(buckets, 200)).toEqual([0.25, 1])
  })
})

describe('marks and cursors', () => {
  it('merge marks that would overlap', () => {
    const marks = [0, 1, 2, 50].map((x) => ({ x, count: 2 }))
    expect(mergeMarks(marks, (x) => x * 4, 10)).toEqual([
      { x: 0, count: 6 },
      { x: 50, count: 2 },
    ])
  })
  it.each([
    [[], 3, -1],
    [[5], 3, 0],
    [[0, 10, 20], 14, 1],
    [[0, 10, 20], 16, 2],
    [[0, 10, 20], -9, 0],
    [[0, 10, 20], 99, 2],
  ])('find in %j the nearest to %i at %i', (x, at, index) => expect(nearest(x, at)).toBe(index))
})
