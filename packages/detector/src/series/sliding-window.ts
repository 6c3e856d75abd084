import { selectMiddle } from './statistics.ts'

/** The middle is this share of the window (a power of two) to either side of the median, and at least so many values. */
const MARGIN_SHIFT = 3
const MARGIN = 8

/** So many values of the middle that came or went are put in order one by one; of more, all are sorted. */
const FEW = 12

/** Room for the distances of one window: they are of no use after the call that asks for them. */
let distances = new Float64Array(256)

/**
 * A sliding window of numbers (no NaN, no -0): the oldest leaves first.
 *
 * Only the values around the median, the *middle*, are told apart from those below and above, which are counted. The middle
 * is chosen anew where the median leaves it or where it holds too many. Its bounds are bounds of the median, which most
 * questions need no more than. It is put in order when the median itself is asked for.
 */
export class SlidingWindow {
  /** In order of arrival, the oldest at `#oldest`, wrapping around; as many as a power of two. */
  #values: Float64Array
  #oldest = 0
  #size = 0
  /** All values from `#low` to `#high`; `#below` counts those below. */
  #low = -Infinity
  #high = Infinity
  #below = 0
  /** Those values in order of arrival, from place `#first` to the one before `#next`, wrapping around. */
  #middle: Float64Array
  #first = 0
  #next = 0
  /** The middle is chosen anew where it holds more. */
  #most = 0
  /** The middle in ascending order, when it was at `#orderedFirst` to `#orderedNext`. */
  #ordered: Float64Array
  #orderedFirst = 0
  #orderedNext = 0
  /** NaN: not known since a value came or went. */
  #median = NaN

  constructor(capacity: number, values: readonly number[] = []) {
    const room = 2 ** Math.ceil(Math.log2(Math.max(capacity, values.length, FEW)))
    this.#values = new Float64Array(room)
    this.#middle = new Float64Array(room)
    this.#ordered = new Float64Array(room)
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

  /** The median is not below this (-Infinity when empty); costs nothing. */
  medianAtLeast(): number {
    this.#holdMedian()
    return this.#low
  }

  /** The median is not above this (Infinity when empty); costs nothing. */
  medianAtMost(): number {
    this.#holdMedian()
    return this.#high
  }

  #findMedian(): number {
    const size = this.#size
    if (size === 0) return NaN
    this.#holdMedian()
    this.#order()
    const place = ((size - 1) >> 1) - this.#below
    const low = this.#ordered[place] as number
    return (size & 1) === 1 ? low : low + 0.5 * ((this.#ordered[place + 1] as number) - low)
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

  // Counted without branches, which would be guessed wrong for every other value.
  #enter(value: number): void {
    this.#median = NaN
    const low = this.#low
    this.#below += Number(value < low)
    this.#middle[this.#next & (this.#middle.length - 1)] = value
    this.#next += Number(value >= low) & Number(value <= this.#high)
  }

  // The oldest of the window is also the oldest of the middle, if it belongs there.
  #leave(value: number): void {
    this.#median = NaN
    const low = this.#low
    this.#below -= Number(value < low)
    this.#first += Number(value >= low) & Number(value <= this.#high)
  }

  /** Chooses the middle anew if it does not hold the median. */
  #holdMedian(): void {
    const place = ((this.#size - 1) >> 1) - this.#below
    const held = this.#next - this.#first
    if (place < 0 || place + (this.#size & 1 ? 0 : 1) >= held || held > this.#most) this.#chooseMiddle()
  }

  /** Puts the middle in order. */
  #order(): void {
    const middle = this.#middle
    const first = this.#first
    const next = this.#next
    const last = middle.length - 1
    const came = next - this.#orderedNext
    const went = first - this.#orderedFirst
    // Of those that went since, the places may have been taken by others.
    const isKnown = first <= this.#orderedNext && next - this.#orderedFirst < middle.length
    if (!isKnown || came + went > FEW) {
      const ordered = this.#ordered
      for (let i = first; i < next; i++) ordered[i - first] = middle[i & last] as number
      ordered.subarray(0, next - first).sort()
    } else {
      let held = this.#orderedNext - this.#orderedFirst
      for (let i = this.#orderedFirst; i < first; i++) this.#take(middle[i & last] as number, held--)
      for (let i = this.#orderedNext; i < next; i++) this.#put(middle[i & last] as number, held++)
    }
    this.#orderedFirst = first
    this.#orderedNext = next
  }

  /** Puts a value among `held` in order. */
  #put(value: number, held: number): void {
    const ordered = this.#ordered
    let i = held
    for (; i > 0 && (ordered[i - 1] as number) > value; i--) ordered[i] = ordered[i - 1] as number
    ordered[i] = value
  }

  /** Takes a value out of `held` in order. */
  #take(value: number, held: number): void {
    const ordered = this.#ordered
    let i = held - 1
    let moved = ordered[i] as number
    while (moved > value) {
      const next = ordered[--i] as number
      ordered[i] = moved
      moved = next
    }
  }

  #chooseMiddle(): void {
    const ordered = this.#copyTo(this.#ordered)
    ordered.subarray(0, this.#size).sort()
    const last = this.#size - 1
    const margin = Math.max(MARGIN, this.#size >> MARGIN_SHIFT)
    let from = Math.max(0, (this.#size >> 1) - margin)
    let to = Math.min(last, (this.#size >> 1) + margin)
    this.#low = from === 0 ? -Infinity : (ordered[from] as number)
    this.#high = to === last ? Infinity : (ordered[to] as number)
    while (from > 0 && ordered[from - 1] === this.#low) from--
    while (to < last && ordered[to + 1] === this.#high) to++
    ordered.copyWithin(0, from, to + 1)
    this.#below = 0
    this.#first = 0
    this.#next = 0
    for (let i = 0; i < this.#size; i++)
      this.#enter(this.#values[(this.#oldest + i) & (this.#values.length - 1)] as number)
    this.#orderedFirst = 0
    this.#orderedNext = this.#next
    this.#most = Math.max(4 * margin, 2 * this.#next)
  }

  /** Puts the values into `copy` in order of arrival; returns it. */
  #copyTo(copy: Float64Array): Float64Array {
    const values = this.#values
    for (let i = 0; i < this.#size; i++) copy[i] = values[(this.#oldest + i) & (values.length - 1)] as number
    return copy
  }

  #grow(): void {
    const room = 2 * this.#values.length
    this.#values = this.#copyTo(new Float64Array(room))
    this.#oldest = 0
    this.#middle = new Float64Array(room)
    this.#ordered = new Float64Array(room)
    this.#chooseMiddle()
  }
}
