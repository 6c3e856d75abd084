import { encodeNumber, type Series } from '@normwatch/protocol'

/** Gathers the readings of one metric, step by step, into buckets of `size` steps aligned to step 0. */
export class BucketSeries {
  readonly #size: number
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
  readonly #over: number[] | undefined
  #bucket = -1
  #time = NaN
  #count = 0
  #nonfinite = 0
  #min = NaN
  #max = NaN
  /** Mean of the finite readings, and their sum, which overflows before the mean does. */
  #mean = NaN
  #sum = 0
  #last = NaN
  #overCount = 0

  constructor(size: number, withOver: boolean) {
    this.#size = size
    this.#over = withOver ? [] : undefined
  }

  /**
   * Readings that all lie in one bucket; steps ascend from call to call. `min`, `max`, `mean` are NaN when none is
   * finite. Without a reading (`count` 0) it counts the steps that were over their cap alone.
   */
  add(
    step: number,
    time: number,
    count: number,
    nonfinite: number,
    min: number,
    max: number,
    mean: number,
    last: number,
    over: number,
  ): void {
    const bucket = Math.floor(step / this.#size)
    if (bucket !== this.#bucket) {
      this.#close()
      this.#bucket = bucket
      this.#count = this.#nonfinite = this.#sum = this.#overCount = 0
      this.#min = this.#max = this.#mean = NaN
    }
    this.#overCount += over
    if (count === 0) return
    if (this.#count === 0) this.#time = time
    const finite = count - nonfinite
    if (finite > 0) {
      const before = this.#count - this.#nonfinite
      const all = before + finite
      this.#sum += mean * finite
      if (before === 0) {
        this.#min = min
        this.#max = max
        this.#mean = mean
      } else {
        if (min < this.#min) this.#min = min
        if (max > this.#max) this.#max = max
        this.#mean = Number.isFinite(this.#sum)
          ? this.#sum / all
          : this.#mean * (before / all) + mean * (finite / all)
      }
    }
    this.#count += count
    this.#nonfinite += nonfinite
    this.#last = last
  }

  #close(): void {
    if (this.#count === 0) return
    const { step, time, min, max, mean, last, count, nonfinite } = this.#series
    const isFinite = this.#count > this.#nonfinite
    step.push(this.#bucket * this.#size)
    time.push(this.#time)
    min.push(isFinite ? this.#min : null)
    max.push(isFinite ? this.#max : null)
    // rounding may carry a mean a last bit past the readings it is of
    mean.push(isFinite ? Math.min(this.#max, Math.max(this.#min, this.#mean)) : null)
    last.push(encodeNumber(this.#last))
    count.push(this.#count)
    nonfinite.push(this.#nonfinite)
    this.#over?.push(this.#overCount)
  }

  /** The series; nothing may be added behind it. */
  finish(): Series {
    this.#close()
    return this.#over === undefined ? this.#series : { ...this.#series, over: this.#over }
  }
}
