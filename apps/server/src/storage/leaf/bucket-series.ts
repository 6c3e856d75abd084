import { encodeNumber, type Series } from '@normwatch/protocol'
import type { MetricSummary } from './summary.ts'

/** What a bucket takes from a summary. */
export type ChartSummary = Omit<MetricSummary, 'lastStep'>

/** Gathers what is known of one metric, step by step, into buckets of `size` steps aligned to step 0. */
export class BucketSeries {
  readonly #size: number
  readonly #over: number[] | undefined
  readonly #series: Series = {
    step: [],
    time: [],
    min: [],
    max: [],
    mean: [],
    last: [],
    count: [],
    nonfinite: [],
  }
  #bucket = -1
  #time = NaN
  #count = 0
  #nonfinite = 0
  #min = NaN
  #max = NaN
  #mean = NaN
  /** Of the finite readings; it overflows before the mean does. */
  #sum = 0
  #last = NaN
  #overCount = 0

  constructor(size: number, withOver: boolean) {
    this.#size = size
    this.#over = withOver ? [] : undefined
  }

  /** One reading, at its own step; `over` is 1 when the step was over its cap. */
  addReading(step: number, time: number, value: number, over: number): void {
    this.#open(step, over)
    if (this.#count === 0) this.#time = time
    this.#count++
    this.#last = value
    if (Number.isFinite(value)) this.#addFinite(1, value, value, value)
    else this.#nonfinite++
  }

  /** Readings that all lie in the bucket of `step`; steps ascend from call to call. */
  addSummary(step: number, summary: ChartSummary, over: number): void {
    this.#open(step, over)
    const { count, nonfinite } = summary
    if (this.#count === 0) this.#time = summary.firstTime
    this.#count += count
    this.#nonfinite += nonfinite
    this.#last = summary.last
    if (count > nonfinite) this.#addFinite(count - nonfinite, summary.min, summary.max, summary.mean)
  }

  /** Steps over their cap that have no reading of this metric. */
  addOver(step: number, over: number): void {
    this.#open(step, over)
  }

  #open(step: number, over: number): void {
    const bucket = Math.floor(step / this.#size)
    if (bucket !== this.#bucket) {
      this.#close()
      this.#bucket = bucket
      this.#count = this.#nonfinite = this.#sum = this.#overCount = 0
      this.#min = this.#max = this.#mean = NaN
    }
    this.#overCount += over
  }

  /** Called when `#count` and `#nonfinite` hold these readings already. */
  #addFinite(finite: number, min: number, max: number, mean: number): void {
    const all = this.#count - this.#nonfinite
    this.#sum += mean * finite
    if (all === finite) {
      this.#min = min
      this.#max = max
      this.#mean = mean
      return
    }
    if (min < this.#min) this.#min = min
    if (max > this.#max) this.#max = max
    this.#mean = Number.isFinite(this.#sum)
      ? this.#sum / all
      : this.#mean * ((all - finite) / all) + mean * (finite / all)
  }

  #close(): void {
    if (this.#count === 0) return
    const { step, time, min, max, mean, last, count, nonfinite } = this.#series
    const isFinite = this.#count > this.#nonfinite
    const isPoint = this.#size === 1
    step.push(this.#bucket * this.#size)
    time.push(isPoint ? this.#time : Math.round(this.#time * 1000) / 1000)
    min.push(isFinite ? this.#min : null)
    max.push(isFinite ? this.#max : null)
    mean.push(isFinite ? (isPoint ? this.#mean : this.#roundedMean()) : null)
    last.push(encodeNumber(this.#last))
    count.push(this.#count)
    nonfinite.push(this.#nonfinite)
    this.#over?.push(this.#overCount)
  }

  /** To seven digits, which is more than a chart shows and half as long; within the readings, whatever rounding did. */
  #roundedMean(): number {
    return Math.min(this.#max, Math.max(this.#min, Number(this.#mean.toPrecision(7))))
  }

  /** The series; nothing may be added behind it. */
  finish(): Series {
    this.#close()
    return this.#over === undefined ? this.#series : { ...this.#series, over: this.#over }
  }
}
