import { clipRule, isClipped } from '@normwatch/detector'
import { encodeNumber, metricOf, type Clip, type PointColumns, type Series } from '@normwatch/protocol'
import type { Extent } from './store.ts'

interface Point {
  time: number
  readonly readings: Map<string, number>
}

/** A run kept as plainly as can be: what the engines' answers are compared with. */
export class NaiveRun {
  readonly points = new Map<number, Point>()
  clip: Clip = { mode: 'none', max_norm: null }
  readonly parts = new Map<string, Clip>()

  append({ step, time, metrics }: PointColumns, arrivedAt: number): void {
    step.forEach((at, row) => {
      const given = time[row] as number
      let point = this.points.get(at)
      if (point === undefined) {
        this.points.set(
          at,
          (point = { time: Number.isNaN(given) ? arrivedAt / 1000 : given, readings: new Map() }),
        )
      } else if (!Number.isNaN(given)) point.time = given
      for (const [name, { values, present }] of metrics) {
        if (present?.[row] !== 0) point.readings.set(name, values[row] as number)
      }
    })
  }

  truncate(after: number): void {
    for (const step of this.points.keys()) if (step > after) this.points.delete(step)
  }

  get sorted(): [step: number, point: Point][] {
    return [...this.points].sort(([a], [b]) => a - b)
  }

  /** The steps that have a reading of one of these metrics. */
  extent(metrics: readonly string[]): Extent {
    const some = this.sorted.filter(([, { readings }]) => metrics.some((metric) => readings.has(metric)))
    const [first, last] = [some[0], some.at(-1)].map((one) => one && { step: one[0], time: one[1].time })
    return { points: some.length, first, last }
  }

  /** Whether the step was over the cap of a part, or of the run itself (`null`); `undefined` where that cannot be said. */
  over({ readings }: Point, part: string | null): boolean | undefined {
    const of = (metric: string) => readings.get(metricOf(metric, part))
    const clip = part === null ? this.clip : (this.parts.get(part) as Clip)
    return isClipped(clipRule(clip), of('grad_norm'), of('max_norm'), of('clip_fraction'))
  }

  #rate(part: string | null): number | null {
    const verdicts = this.sorted
      .map(([, point]) => this.over(point, part))
      .filter((verdict) => verdict !== undefined)
    return verdicts.length === 0 ? null : verdicts.filter(Boolean).length / verdicts.length
  }

  get totals() {
    const sorted = this.sorted
    const names = [null, ...this.parts.keys()].flatMap((part) => [
      metricOf('grad_norm', part),
      metricOf('loss', part),
    ])
    const watched = sorted.flatMap(([, { readings }]) => names.map((name) => readings.get(name)))
    const latest: Record<string, unknown> = {}
    for (const [, { readings }] of sorted) {
      for (const [name, value] of readings)
        if (!name.startsWith('layers/'))
          // JSON has no -0
          latest[name] = encodeNumber(value === 0 ? 0 : value)
    }
    return {
      points: sorted.length,
      last_step: sorted.at(-1)?.[0] ?? null,
      latest,
      nonfinite: watched.filter((value) => value !== undefined && !Number.isFinite(value)).length,
      rate_total: this.#rate(null),
      parts: [...this.parts.keys()].map((name) => [name, this.#rate(name)]),
    }
  }

  series(metric: string, from: number, to: number, maxPoints: number) {
    const part = [...this.parts.keys()].find((name) => metric === metricOf('grad_norm', name)) ?? null
    const inRange = this.sorted.filter(([step]) => step >= from && step <= to)
    let bucket = 1
    if (inRange.length > maxPoints) {
      do bucket *= 2
      while (new Set(inRange.map(([step]) => Math.floor(step / bucket))).size > maxPoints)
    }
    const series: Series & { over: number[] } = {
      step: [],
      time: [],
      min: [],
      max: [],
      mean: [],
      last: [],
      count: [],
      nonfinite: [],
      over: [],
    }
    const buckets = Map.groupBy(inRange, ([step]) => Math.floor(step / bucket) * bucket)
    for (const [start, points] of buckets) {
      const read = points.filter(([, { readings }]) => readings.has(metric))
      const values = read.map(([, { readings }]) => readings.get(metric) as number)
      const finite = values.filter(Number.isFinite)
      if (values.length === 0) continue
      series.step.push(start)
      const { time } = (read[0] as [number, Point])[1]
      series.time.push(bucket === 1 ? time : Math.round(time * 1000) / 1000)
      series.min.push(finite.length > 0 ? Math.min(...finite) : null)
      series.max.push(finite.length > 0 ? Math.max(...finite) : null)
      series.mean.push(
        finite.length > 0 ? finite.reduce((sum, value) => sum + value / finite.length, 0) : null,
      )
      series.last.push(encodeNumber(values.at(-1) as number))
      series.count.push(values.length)
      series.nonfinite.push(values.length - finite.length)
      series.over.push(points.filter(([, point]) => this.over(point, part) === true).length)
    }
    return { total: inRange.length, bucket, series }
  }
}
