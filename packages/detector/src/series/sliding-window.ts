import { selectMiddle } from './statistics.ts'

/** Values are kept in order this share of the window (a power of two) to either side of the median, and at least so many. */
const MARGIN_SHIFT = 3
const MARGIN = 8

/** Room for the distances of one window: they are of no use after the call that asks for them. */
let distances = new Float64Array(256)

/**
 * A sliding window of numbers (no NaN, no -0): the oldest leaves first. Its median costs one look.
 *
 * Only the values around the median are kept in order, the *middle*: most values come and go outside of it, which
 * changes a count. The middle is chosen anew where the median leaves it or where it holds too many.
 */
export class SlidingWindow {
  /** In order of arrival, the oldest at `#oldest`, wrapping around; as many as a power of two. */
  #values: Float64Array
  #oldest = 0
  #size = 0
  /** All values from `#low` to `#high` in ascending order, `#held` of them; `#below` counts those below. */
  #middle: Float64Array
  #held = 0
  #low = -Infinity
  #high = Infinity
  #below = 0
  /** The middle is chosen anew where it holds more. */
  #most = 0
  /** NaN: not known since a value came or went. */
  #median = NaN

  constructor(capacity: number, values: readonly number[] = []) {
    const room = 2 ** Math.ceil(Math.log2(Math.max(capacity, values.length, 1)))
    this.#values = new Float64Array(room)
    this.#middle = new Float64Array(room)
    this.#values.set(values)
    this.#size = values.length
    this.#chooseMiddle()
  }

  get size(): number {
    return this.#size
  }

  /** Adds the newest value. */
  push(value: number): void {
    if (this.#size === this.#values.length) this.#grow()
    this.#values[(this.#oldest + this.#size++) & (this.#values.length - 1)] = value
    this.#enter(value)
  }

  /** Drops the oldest value; the window must not be empty. */
  shift(): void {
    const old = this.#values[this.#oldest] as number
    this.#oldest = (this.#oldest + 1) & (this.#values.length - 1)
    this.#size--
    this.#leave(old)
  }

  /** Adds the newest value in place of the oldest; the window must not be empty. */
  slide(value: number): void {
    const values = this.#values
    const old = values[this.#oldest] as number
    values[(this.#oldest + this.#size) & (values.length - 1)] = value
    this.#oldest = (this.#oldest + 1) & (values.length - 1)
    if (old === value) return
    this.#leave(old)
    this.#enter(value)
  }

  clear(): void {
    this.#oldest = 0
    this.#size = 0
    this.#median = NaN
    this.#chooseMiddle()
  }

  /** The middle value, of an even number the mean of the two middle ones; NaN when empty. */
  median(): number {
    const known = this.#median
    return known === known ? known : (this.#median = this.#findMedian())
  }

  #findMedian(): number {
    const size = this.#size
    if (size === 0) return NaN
    const isEven = (size & 1) === 0
    let place = ((size - 1) >> 1) - this.#below
    if (place < 0 || place + (isEven ? 1 : 0) >= this.#held || this.#held > this.#most) {
      this.#chooseMiddle()
      place = ((size - 1) >> 1) - this.#below
    }
    const low = this.#middle[place] as number
    return isEven ? low + 0.5 * ((this.#middle[place + 1] as number) - low) : low
  }

  /** The quantile `p` in [0, 1], linear between ranks; NaN when empty. Sorts. */
  quantile(p: number): number {
    if (this.#size === 0) return NaN
    const sorted = this.#copyTo(new Float64Array(this.#size)).sort()
    const rank = p * (this.#size - 1)
    const below = Math.floor(rank)
    const low = sorted[below] as number
    return rank === below ? low : low + (rank - below) * ((sorted[below + 1] as number) - low)
  }

  /** The largest value; -Infinity when empty. Looks at each. */
  largest(): number {
    const values = this.#values
    let largest = -Infinity
    for (let i = 0; i < this.#size; i++) {
      const value = values[(this.#oldest + i) & (values.length - 1)] as number
      if (value > largest) largest = value
    }
    return largest
  }

  /** Median of the absolute distances from `centre`, of an even number the upper of the two; NaN when empty. Looks at each. */
  medianDistance(centre: number): number {
    if (distances.length < this.#size) distances = new Float64Array(this.#values.length)
    this.#copyTo(distances)
    for (let i = 0; i < this.#size; i++) distances[i] = Math.abs((distances[i] as number) - centre)
    return selectMiddle(distances, this.#size)
  }

  /** Whether `medianDistance` is above `bound`; counts. */
  isMedianDistanceAbove(centre: number, bound: number): boolean {
    const values = this.#values
    let above = 0
    for (let i = 0; i < this.#size; i++) {
      const value = values[(this.#oldest + i) & (values.length - 1)] as number
      if (Math.abs(value - centre) > bound) above++
    }
    return above >= this.#size - (this.#size >> 1) && above > 0
  }

  #enter(value: number): void {
    this.#median = NaN
    if (value > this.#high) return
    if (value < this.#low) {
      this.#below++
      return
    }
    const middle = this.#middle
    let i = this.#held++
    for (; i > 0 && (middle[i - 1] as number) > value; i--) middle[i] = middle[i - 1] as number
    middle[i] = value
  }

  #leave(value: number): void {
    this.#median = NaN
    if (value > this.#high) return
    if (value < this.#low) {
      this.#below--
      return
    }
    const middle = this.#middle
    let i = --this.#held
    let moved = middle[i] as number
    while (moved > value) {
      const next = middle[--i] as number
      middle[i] = moved
      moved = next
    }
  }

  #chooseMiddle(): void {
    const middle = this.#copyTo(this.#middle)
    middle.subarray(0, this.#size).sort()
    const last = this.#size - 1
    const margin = Math.max(MARGIN, this.#size >> MARGIN_SHIFT)
    let from = Math.max(0, (this.#size >> 1) - margin)
    let to = Math.min(last, (this.#size >> 1) + margin)
    this.#low = from === 0 ? -Infinity : (middle[from] as number)
    this.#high = to === last ? Infinity : (middle[to] as number)
    while (from > 0 && middle[from - 1] === this.#low) from--
    while (to < last && middle[to + 1] === this.#high) to++
    middle.copyWithin(0, from, to + 1)
    this.#below = from
    this.#held = to + 1 - from
    this.#most = Math.max(4 * margin, 2 * this.#held)
  }

  /** Puts the values into `copy` in order of arrival; returns it. */
  #copyTo(copy: Float64Array): Float64Array {
    const values = this.#values
    for (let i = 0; i < this.#size; i++) copy[i] = values[(this.#oldest + i) & (values.length - 1)] as number
    return copy
  }

  #grow(): void {
    const larger = new Float64Array(this.#values.length * 2)
    this.#values = this.#copyTo(larger)
    this.#oldest = 0
    const middle = new Float64Array(larger.length)
    middle.set(this.#middle)
    this.#middle = middle
  }
}
