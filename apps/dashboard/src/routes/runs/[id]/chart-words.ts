import { judgedOf } from '#lib/chart/columns.ts'
import type { MetricBuckets } from '#lib/chart/series-window.ts'
import { counted, figure, group, percent } from '#lib/format/number.ts'

/** A chart in words: `from 0.7 to 15.3, newest 6.66 at step 59, above the cap since step 34`. */
export function chartWords(buckets: MetricBuckets): string {
  const { step, min, max, last, nonfinite } = buckets
  const newest = last.at(-1)
  if (newest === undefined) return 'no reading yet'
  const finite = (values: readonly (number | null)[]) => values.filter((value) => value !== null)
  const [low, high] = [least(finite(min)), most(finite(max))]
  const bad = sum(nonfinite)
  return [
    low <= high && (low === high ? `always ${figure(low)}` : `from ${figure(low)} to ${figure(high)}`),
    `newest ${figure(newest)} at step ${group(step.at(-1) ?? 0)}`,
    bad > 0 && `${counted(bad, 'reading')} not finite`,
    aboveCap(buckets),
  ]
    .filter(Boolean)
    .join(', ')
}

/** What the clip rates of a chart are over: buckets with more points than the window have but their own. */
export function rateSpan({ count }: MetricBuckets, bucket: number, window: number): string {
  return most(count) > window
    ? `each ${counted(bucket, 'step')}`
    : `the last ${counted(window, 'logged point')}`
}

/** Since when without a break, else the share of steps; empty where none is above a cap. */
function aboveCap(buckets: MetricBuckets): string {
  const over = sum(buckets.over)
  if (over === 0) return ''
  const isAll = (i: number) => (buckets.over[i] as number) > 0 && buckets.over[i] === judgedOf(buckets, i)
  let first = buckets.step.length
  while (first > 0 && isAll(first - 1)) first--
  const since = buckets.step[first]
  if (since !== undefined) return `above the cap since step ${group(since)}`
  const judged = buckets.step.reduce((total, _, i) => total + judgedOf(buckets, i), 0)
  return `above the cap in ${percent(over / judged)} of steps`
}

// By hand: a call of Math.min with a million values would overflow the stack.
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const least = (values: readonly number[]) => values.reduce((low, value) => Math.min(low, value), Infinity)
const most = (values: readonly number[]) => values.reduce((high, value) => Math.max(high, value), -Infinity)
