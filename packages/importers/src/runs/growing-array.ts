/** Numbers added one by one, eight bytes each. `clear` keeps the memory for what comes next. */
export class GrowingArray {
  #items = new Float64Array(64)
  length = 0

  push(value: number): void {
    if (this.length === this.#items.length) {
      const larger = new Float64Array(this.length * 2)
      larger.set(this.#items)
      this.#items = larger
    }
    this.#items[this.length++] = value
  }

  at(index: number): number {
    return this.#items[index] as number
  }

  /** What was added, without copying it: valid until the next `push` or `clear`. */
  view(): Float64Array {
    return this.#items.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }
}
