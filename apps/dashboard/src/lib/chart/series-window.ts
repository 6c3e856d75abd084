import type { Series, SeriesReply } from '@normwatch/protocol'
import type { StepRange } from '#lib/api/client.ts'
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

/** A stretch of a run as the server reduced it: exact for the steps `from` to `to`, without those after. */
export interface SeriesWindow {
  readonly from: number
  readonly to: number
  /** Whether it ended with the newest step when it was asked for, so that live points go on where it ends. */
  readonly isOpen: boolean
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

/** The window of a reply that was asked for the steps `from` to `to`, when the newest step was `newest`. */
export function windowOf(reply: SeriesReply, { from, to }: StepRange, newest: number): SeriesWindow {
  const metrics = Object.entries(reply.series).map(([name, series]) => [name, bucketsOf(series)] as const)
  return { from, to, isOpen: to >= newest, bucket: reply.bucket, metrics: new Map(metrics) }
}

/** The window of a reply that was asked for the whole record, up to the newest step that the server had. */
export function wholeWindowOf(reply: SeriesReply): SeriesWindow {
  const to = reply.total > 0 ? reply.to : -1
  return windowOf(reply, { from: 0, to }, to)
}

/** The window of a run without points. */
export const emptyWindow: SeriesWindow = { from: 0, to: -1, isOpen: true, bucket: 1, metrics: new Map() }

/** Whether a window, with the live points after it, holds all of a view. */
export function reaches(window: SeriesWindow, view: StepRange): boolean {
  return window.from <= view.from && (window.isOpen || window.to >= view.to)
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
