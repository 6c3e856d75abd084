import { clipRule, isClipped } from '@normwatch/detector'
import type { Clip, LiveColumns } from '@normwatch/protocol'
import { decodeNumber } from '@normwatch/protocol/number-codec'
import { emptyBuckets, type MetricBuckets, type SeriesWindow } from '#lib/chart/series-window.ts'

interface Row {
  time: number
  readonly readings: Map<string, number>
}

interface Extended {
  readonly version: string
  readonly buckets: MetricBuckets
}

/** The points that arrived live since the windows were fetched, one row a step: a step that comes again replaces itself. */
export class Tail {
  readonly #rows = new Map<number, Row>()
  #steps: number[] = []
  #sorted = true
  /** Grows with every change of the rows. */
  #version = 0
  /** By window and metric, what was last put together. */
  readonly #extended = new WeakMap<SeriesWindow, Map<string, Extended>>()

  get size(): number {
    return this.#rows.size
  }

  /** The newest step here, or `undefined`. */
  get lastStep(): number | undefined {
    return this.#inOrder().at(-1)
  }

  /** Takes a live frame's columns in. Returns the lowest step of them, or `undefined` for none. */
  add(columns: LiveColumns): number | undefined {
    this.#version++
    const metrics = Object.entries(columns).filter(([name]) => name !== 'step' && name !== 'time')
    let lowest: number | undefined
    columns.step.forEach((step, i) => {
      const row = this.#row(step)
      row.time = columns.time[i] ?? row.time
      for (const [name, values] of metrics) {
        const reading = decodeNumber(values[i])
        if (reading !== undefined) row.readings.set(name, reading)
      }
      if (lowest === undefined || step < lowest) lowest = step
    })
    return lowest
  }

  /** Forgets the steps that the windows hold by now. */
  dropThrough(step: number): void {
    this.#version++
    this.#steps = this.#inOrder().filter((other) => {
      if (other > step) return true
      this.#rows.delete(other)
      return false
    })
  }

  clear(): void {
    this.#version++
    this.#rows.clear()
    this.#steps = []
  }

  /**
   * A metric of an open window with the points after it added, in buckets of its size. The window is left as it is. The
   * same buckets come back until a point is added: a picture asks for each metric several times.
   */
  extend(window: SeriesWindow, metric: string, clip: Clip): MetricBuckets {
    const version = `${this.#version} ${JSON.stringify(clip)}`
    const known = this.#extended.get(window) ?? new Map<string, Extended>()
    const before = known.get(metric)
    if (before?.version === version) return before.buckets
    const buckets = this.#put(window, metric, clip)
    this.#extended.set(window, known.set(metric, { version, buckets }))
    return buckets
  }

  #put(window: SeriesWindow, metric: string, clip: Clip): MetricBuckets {
    const base = window.metrics.get(metric) ?? emptyBuckets()
    const steps = window.isOpen ? this.#inOrder().filter((step) => step > window.to) : []
    if (steps.length === 0) return base
    const whole = copy(base)
    const rule = clipRule(clip)
    // `grad_norm`, or `grad_norm/critic` of a part, whose own cap has the same ending.
    const [isNorm, part = ''] = /^grad_norm(\/.+)?$/.exec(metric) ?? []
    for (const step of steps) {
      const row = this.#rows.get(step) as Row
      const reading = row.readings.get(metric)
      if (reading === undefined) continue
      const start = window.bucket === 1 ? step : step - (step % window.bucket)
      const of = (name: string) => row.readings.get(name + part)
      const isOver =
        isNorm !== undefined && isClipped(rule, reading, of('max_norm'), of('clip_fraction')) === true
      put(whole, start, row.time, reading, isOver)
    }
    return whole
  }

  #row(step: number): Row {
    let row = this.#rows.get(step)
    if (row === undefined) {
      row = { time: NaN, readings: new Map() }
      this.#rows.set(step, row)
      this.#sorted &&= (this.#steps.at(-1) ?? -1) < step
      this.#steps.push(step)
    }
    return row
  }

  #inOrder(): number[] {
    if (!this.#sorted) this.#steps.sort((a, b) => a - b)
    this.#sorted = true
    return this.#steps
  }
}

function put(whole: MetricBuckets, start: number, time: number, reading: number, over: boolean): void {
  let i = whole.step.length - 1
  if (whole.step[i] !== start) {
    i++
    whole.step.push(start)
    whole.time.push(time)
    whole.min.push(null)
    whole.max.push(null)
    whole.last.push(reading)
    whole.count.push(0)
    whole.nonfinite.push(0)
    whole.over.push(0)
  }
  whole.last[i] = reading
  whole.count[i] = (whole.count[i] as number) + 1
  whole.over[i] = (whole.over[i] as number) + (over ? 1 : 0)
  if (!Number.isFinite(reading)) whole.nonfinite[i] = (whole.nonfinite[i] as number) + 1
  else {
    whole.min[i] = Math.min(whole.min[i] ?? Infinity, reading)
    whole.max[i] = Math.max(whole.max[i] ?? -Infinity, reading)
  }
}

function copy(buckets: MetricBuckets): MetricBuckets {
  const { step, time, min, max, last, count, nonfinite, over } = buckets
  return {
    step: [...step],
    time: [...time],
    min: [...min],
    max: [...max],
    last: [...last],
    count: [...count],
    nonfinite: [...nonfinite],
    over: [...over],
  }
}
