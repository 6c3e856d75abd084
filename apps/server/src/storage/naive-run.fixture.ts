import { encodeNumber, type Clip, type PointColumns, type Series } from '@normwatch/protocol'

interface Point {
  time: number
  readonly readings: Map<string, number>
}

/** A run kept as plainly as can be: what the engines' answers are compared with. */
export class NaiveRun {
  readonly points = new Map<number, Point>()
  clip: Clip = { mode: 'none', max_norm: null }

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

  /** Whether the step was over its cap; `undefined` where that cannot be asked. */
  over({ readings }: Point): boolean | undefined {
    if (this.clip.mode === 'value') {
      const fraction = readings.get('clip_fraction')
      return fraction === undefined ? undefined : fraction >= (this.clip.fraction_threshold ?? 0.01)
    }
    const norm = readings.get('grad_norm')
    if (norm === undefined || !Number.isFinite(norm)) return undefined
    return norm > (readings.get('max_norm') ?? this.clip.max_norm ?? Infinity)
  }

  get totals() {
    const sorted = this.sorted
    const verdicts = sorted.map(([, point]) => this.over(point)).filter((verdict) => verdict !== undefined)
    const watched = sorted.flatMap(([, { readings }]) => [readings.get('grad_norm'), readings.get('loss')])
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
      rate_total: verdicts.length === 0 ? null : verdicts.filter(Boolean).length / verdicts.length,
    }
  }

  series(metric: string, from: number, to: number, maxPoints: number) {
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
      series.over.push(points.filter(([, point]) => this.over(point) === true).length)
    }
    return { total: inRange.length, bucket, series }
  }
}
