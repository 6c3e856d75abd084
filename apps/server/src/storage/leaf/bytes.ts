const MAX_INT31 = 2 ** 31 - 1
/** Bytes of 54 bits, seven in each. */
const LONGEST_VARINT = 8

/** Writes a blob piece by piece. One writer is used again and again: what `take` gives stands until the next blob is written. */
export class ByteWriter {
  #bytes = new Uint8Array(16 * 1024)
  #length = 0

  /** Room for `count` bytes, to be filled at once. */
  room(count: number): Uint8Array {
    this.#reserve(count)
    const start = this.#length
    this.#length += count
    return this.#bytes.subarray(start, this.#length)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** A whole number from 0 to 2^53 - 1: seven bits a byte, the lowest first, the top bit set where more follow. */
  varint(value: number): void {
    this.#reserve(LONGEST_VARINT)
    const bytes = this.#bytes
    let rest = value
    while (rest > MAX_INT31) {
      bytes[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    // from here on by shifts, which are several times as fast
    let low = rest | 0
    while (low >= 0x80) {
      bytes[this.#length++] = (low & 0x7f) | 0x80
      low >>= 7
    }
    bytes[this.#length++] = low
  }

  /** A whole number from -2^52 to 2^53, as a varint of 0, -1, 1, -2 … counted from 0. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  take(): Uint8Array {
    const bytes = this.#bytes.subarray(0, this.#length)
    this.#length = 0
    return bytes
  }

  #reserve(count: number): void {
    const end = this.#length + count
    if (end <= this.#bytes.length) return
    const wider = new Uint8Array(Math.max(end, this.#bytes.length * 2))
    wider.set(this.#bytes)
    this.#bytes = wider
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
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw new RangeError('The blob ends too soon.')
    return byte
  }

  varint(): number {
    let byte = this.byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let scale = 0x80
    do {
      byte = this.byte()
      value += (byte & 0x7f) * scale
      scale *= 0x80
    } while (byte >= 0x80)
    return value
  }

  /** Four bytes at a time: each varint ends with the one of its bytes whose top bit is not set. */
  skipVarints(count: number): void {
    const bytes = this.#bytes
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let at = this.#at
    let left = count
    for (; left >= 4 && at + 4 <= bytes.length; at += 4) {
      const ends = ~view.getUint32(at) & 0x80808080
      left -= Math.imul(ends >>> 7, 0x01010101) >>> 24
    }
    for (; left > 0; at++) {
      const byte = bytes[at]
      if (byte === undefined) throw new RangeError('The blob ends too soon.')
      if (byte < 0x80) left--
    }
    this.#at = at
  }

  signed(): number {
    const value = this.varint()
    if (value <= MAX_INT31) return (value >> 1) ^ -(value & 1)
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }
}
