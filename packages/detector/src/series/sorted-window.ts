/**
 * The values of a sliding window in ascending order, so that a median costs one look. Values are inserted and removed
 * by binary search; a replacement moves only what lies between the two places.
 */
export class SortedWindow {
  #values: Float64Array
  #size = 0

  constructor(capacity: number, values: readonly number[] = []) {
    this.#values = new Float64Array(Math.max(capacity, values.length) + 1)
    this.#values.set(values)
    this.#size = values.length
    this.#values.subarray(0, this.#size).sort()
  }

  get size(): number {
    return this.#size
  }

  /** The value of rank `index`, from 0 (smallest). */
  at(index: number): number {
    return this.#values[index] as number
  }

  insert(value: number): void {
    if (this.#size === this.#values.length) this.#grow()
    const values = this.#values
    let i = this.#size++
    for (; i > 0 && (values[i - 1] as number) > value; i--) values[i] = values[i - 1] as number
    values[i] = value
  }

  /** `value` must be held. */
  remove(value: number): void {
    const values = this.#values
    const last = --this.#size
    for (let i = this.#firstAtLeast(value, last + 1); i < last; i++) values[i] = values[i + 1] as number
  }

  /** Takes `old`, which must be held, out and puts `value` in. */
  replace(old: number, value: number): void {
    const values = this.#values
    let i = this.#firstAtLeast(old)
    if (value > old) {
      const last = this.#size - 1
      for (; i < last && (values[i + 1] as number) < value; i++) values[i] = values[i + 1] as number
    } else {
      for (; i > 0 && (values[i - 1] as number) > value; i--) values[i] = values[i - 1] as number
    }
    values[i] = value
  }

  clear(): void {
    this.#size = 0
  }

  /** The middle value, of an even number the mean of the two middle ones; NaN when empty. */
  median(): number {
    return this.quantile(0.5)
  }

  /** The quantile `p` in [0, 1], linear between ranks; NaN when empty. */
  quantile(p: number): number {
    if (this.#size === 0) return NaN
    const rank = p * (this.#size - 1)
    const below = Math.floor(rank)
    const low = this.#values[below] as number
    return rank === below ? low : low + (rank - below) * ((this.#values[below + 1] as number) - low)
  }

  /** Median of the absolute distances from `centre`, which must be the median; NaN when empty. */
  medianDistance(centre: number): number {
    const values = this.#values
    const wanted = this.#size >> 1
    // The distances grow outwards from the median: walk out on the nearer side until half are passed.
    let high = this.#firstAtLeast(centre)
    let low = high - 1
    let distance = NaN
    for (let passed = 0; passed <= wanted && passed < this.#size; passed++) {
      const below = low >= 0 ? centre - (values[low] as number) : Infinity
      const above = high < this.#size ? (values[high] as number) - centre : Infinity
      if (below < above) low--
      else high++
      distance = Math.min(below, above)
    }
    return distance
  }

  #firstAtLeast(value: number, size = this.#size): number {
    const values = this.#values
    let low = 0
    let high = size
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[middle] as number) < value) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(): void {
    const larger = new Float64Array(this.#values.length * 2)
    larger.set(this.#values)
    this.#values = larger
  }
}
