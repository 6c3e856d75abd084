/** Writes a blob piece by piece. One writer may be used again and again: `take` copies out what was written. */
export class ByteWriter {
  #bytes = new Uint8Array(16 * 1024)
  #length = 0

  /** Room for `count` bytes, to be filled at once. */
  room(count: number): Uint8Array {
    const end = this.#length + count
    if (end > this.#bytes.length) {
      const wider = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    const room = this.#bytes.subarray(this.#length, end)
    this.#length = end
    return room
  }

  byte(value: number): void {
    this.room(1)[0] = value
  }

  /** A whole number from 0 to 2^53 - 1: seven bits a byte, the lowest first, the top bit set where more follow. */
  varint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    this.byte(rest)
  }

  /** A whole number from -2^52 to 2^52 - 1, as a varint of 0, -1, 1, -2 … counted from 0. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  take(): Uint8Array {
    const bytes = this.#bytes.slice(0, this.#length)
    this.#length = 0
    return bytes
  }
}

/** Reads what a `ByteWriter` wrote. Throws `RangeError` where the bytes end too soon. */
export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The next `count` bytes, not copied. */
  take(count: number): Uint8Array {
    const end = this.#at + count
    if (end > this.#bytes.length) throw new RangeError('The blob ends too soon.')
    const bytes = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.take(1)[0] as number
  }

  varint(): number {
    const bytes = this.#bytes
    let value = 0
    let scale = 1
    for (;;) {
      const byte = bytes[this.#at++]
      if (byte === undefined) throw new RangeError('The blob ends too soon.')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  skipVarints(count: number): void {
    const bytes = this.#bytes
    let at = this.#at
    for (let left = count; left > 0; at++) {
      const byte = bytes[at]
      if (byte === undefined) throw new RangeError('The blob ends too soon.')
      if (byte < 0x80) left--
    }
    this.#at = at
  }

  signed(): number {
    const value = this.varint()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }
}
