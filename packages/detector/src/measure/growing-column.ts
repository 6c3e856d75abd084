/** Numbers that arrive in blocks, kept in one array: 8 bytes each, and up to as much again in reserve. */
export class GrowingColumn {
  #values: Float64Array
  #length = 0

  constructor(capacity = 1024) {
    this.#values = new Float64Array(capacity)
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(this.#values.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#length++] = value
  }

  get length(): number {
    return this.#length
  }

  /** A view of what is held, valid until the next push. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length)
  }
}
