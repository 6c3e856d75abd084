import { describe, expect, it } from 'vitest'
import { emptyBuckets, type MetricBuckets } from '#lib/chart/series-window.ts'
import { chartWords, rateSpan } from './chart-words.ts'

/** Buckets of one step each; those above `cap` count as clipped. */
function buckets(values: readonly number[], cap = Infinity): MetricBuckets {
  const finite = values.map((value) => (Number.isFinite(value) ? value : null))
  return {
    ...emptyBuckets(),
    step: values.map((_, i) => 10 * i),
    min: finite,
    max: finite,
    last: [...values],
    count: values.map(() => 1),
    nonfinite: values.map((value) => (Number.isFinite(value) ? 0 : 1)),
    over: values.map((value) => (value > cap ? 1 : 0)),
  }
}

describe('a chart in words', () => {
  it.each([
    [buckets([]), 'no reading yet'],
    [buckets([2, 2]), 'always 2, newest 2 at step 10'],
    [buckets([0.7, 3, 15, 8], 1), 'from 0.7 to 15, newest 8 at step 30, above the cap since step 10'],
    [buckets([3, 0.5, 0.5, 0.4], 1), 'from 0.4 to 3, newest 0.4 at step 30, above the cap in 25% of steps'],
    [buckets([1, NaN]), 'always 1, newest NaN at step 10, 1 reading not finite'],
    [buckets([NaN]), 'newest NaN at step 0, 1 reading not finite'],
  ])('%#: says %s', (given, words) => expect(chartWords(given)).toBe(words))
})

it('says that a clip rate is over a bucket where that has more points than the window', () => {
  const one = { ...emptyBuckets(), count: [3, 256, 1] }
  expect(rateSpan(one, 512, 200)).toBe('each 512 steps')
  expect(rateSpan(one, 512, 256)).toBe('the last 256 logged points')
})
