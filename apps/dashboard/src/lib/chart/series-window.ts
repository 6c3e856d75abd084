import type { Series, SeriesReply } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'

/** One metric in buckets, in step order; `null` where a bucket has no finite reading. */
export interface MetricBuckets {
  step: number[]
  /** Unix seconds. */
  time: number[]
  min: (number | null)[]
  max: (number | null)[]
  /** The reading of the highest step of the bucket: NaN and ±Infinity as they are. */
  last: number[]
  count: number[]
  nonfinite: number[]
  /** Steps over the cap; of the norm only. */
  over: number[]
}

/** A stretch of a run as the server reduced it: exact for the steps up to `to`, without those after. */
export interface SeriesWindow {
  readonly from: number
  readonly to: number
  /** Steps a bucket, aligned to step 0. */
  readonly bucket: number
  readonly metrics: ReadonlyMap<string, MetricBuckets>
}

export const emptyBuckets = (): MetricBuckets => ({
  step: [],
  time: [],
  min: [],
  max: [],
  last: [],
  count: [],
  nonfinite: [],
  over: [],
})

/** The window of a reply that was asked for the steps `from` to `to`. */
export function windowOf(reply: SeriesReply, from: number, to: number): SeriesWindow {
  const metrics = Object.entries(reply.series).map(([name, series]) => [name, bucketsOf(series)] as const)
  return { from, to, bucket: reply.bucket, metrics: new Map(metrics) }
}

function bucketsOf({ step, time, min, max, last, count, nonfinite, over }: Series): MetricBuckets {
  return {
    step,
    time,
    min,
    max,
    last: last.map((value) => decodeNumber(value) ?? NaN),
    count,
    nonfinite,
    over: over ?? step.map(() => 0),
  }
}
