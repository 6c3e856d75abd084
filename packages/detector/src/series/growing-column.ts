/** Numbers that arrive in blocks, kept in one array: 8 bytes each, and up to as much again in reserve. */
export class GrowingColumn {
  #values: Float64Array
  #length = 0

  constructor(capacity = 1024) {
    this.#values = new Float64Array(capacity)
  }

  push(value: number): void {
    this.#reserve(this.#length + 1)
    this.#values[this.#length++] = value
  }

  /** Room for `count` numbers behind those held; `take` says how many of them, from the first on, are to be held. */
  room(count: number): Float64Array {
    this.#reserve(this.#length + count)
    return this.#values.subarray(this.#length, this.#length + count)
  }

  take(count: number): void {
    this.#length += count
  }

  #reserve(length: number): void {
    if (length <= this.#values.length) return
    const larger = new Float64Array(Math.max(length, this.#values.length * 2))
    larger.set(this.#values)
    this.#values = larger
  }

  get length(): number {
    return this.#length
  }

  /** A view of what is held, valid until more is. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length)
  }
}
