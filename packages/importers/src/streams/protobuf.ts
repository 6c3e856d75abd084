const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5
/** Texts that a `NameCache` keeps. */
const MAX_NAMES = 10_000

const decoder = new TextDecoder()
const scratchDoubles = new Float64Array(1)
const scratchFloats = new Float32Array(scratchDoubles.buffer)
const scratchWords = new Int32Array(scratchDoubles.buffer)

/**
 * The fields of one protobuf message, one after the other, without an object for each: logs hold millions. Stops at what is
 * malformed. A reader may be used for message after message.
 */
export class MessageReader {
  #at = 0
  #end = 0
  bytes: Uint8Array = new Uint8Array()
  /** The field's number. */
  number = 0
  /** Where the field's content lies: the bytes of a length-delimited or a fixed-width field; empty for a varint. */
  from = 0
  to = 0
  /** The number of a varint field, exact below 2^53; else 0. */
  value = 0

  /** Begins a message. */
  open(bytes: Uint8Array, from = 0, to = bytes.length): this {
    this.bytes = bytes
    this.#at = from
    this.#end = to
    return this
  }

  /** Begins the message that is the content of another's field. */
  enter(outer: MessageReader): this {
    return this.open(outer.bytes, outer.from, outer.to)
  }

  /** Goes to the next field; `false` at the message's end. */
  next(): boolean {
    if (this.#at >= this.#end) return false
    const tag = this.#varint()
    this.number = Math.floor(tag / 8)
    this.value = 0
    const kind = tag % 8
    if (kind === VARINT) {
      this.value = this.#varint()
      this.from = this.to = this.#at
      return true
    }
    const length = kind === BYTES ? this.#varint() : kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : Infinity
    if (this.#at + length > this.#end) {
      this.#at = this.#end
      return false
    }
    this.from = this.#at
    this.to = this.#at += length
    return true
  }

  get length(): number {
    return this.to - this.from
  }

  text(): string {
    return decoder.decode(this.bytes.subarray(this.from, this.to))
  }

  /** A number of four bytes; NaN where the field has another length. */
  float(): number {
    return this.length === 4 ? floatAt(this.bytes, this.from) : NaN
  }

  /** A number of eight bytes; NaN where the field has another length. */
  double(): number {
    return this.length === 8 ? doubleAt(this.bytes, this.from) : NaN
  }

  #varint(): number {
    const first = this.#at < this.#end ? (this.bytes[this.#at] as number) : 128
    if (first < 128) {
      this.#at++
      return first
    }
    let value = 0
    for (let factor = 1; this.#at < this.#end; factor *= 128) {
      const byte = this.bytes[this.#at++] as number
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value
  }
}

/** The number of four bytes that lies there. */
export function floatAt(bytes: Uint8Array, at: number): number {
  scratchWords[0] = wordAt(bytes, at)
  return scratchFloats[0] as number
}

/** The number of eight bytes that lies there. */
export function doubleAt(bytes: Uint8Array, at: number): number {
  scratchWords[0] = wordAt(bytes, at)
  scratchWords[1] = wordAt(bytes, at + 4)
  return scratchDoubles[0] as number
}

/** Four bytes, the lowest first, as all machines that Node and browsers run on have them. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

interface Name {
  readonly bytes: Uint8Array
  readonly text: string
  /** The name that came after it the last time. */
  next: Name | undefined
}

/** Texts of fields that come again and again, such as the names of metrics: each is decoded once. */
export class NameCache {
  readonly #known = new Map<number, Name>()
  #last: Name | undefined

  /** The text of bytes `from` to `to`. */
  textOf(bytes: Uint8Array, from: number, to: number): string {
    // names mostly come in the order in which they came the last time
    const likely = this.#last?.next
    if (likely !== undefined && isSame(likely.bytes, bytes, from, to)) {
      this.#last = likely
      return likely.text
    }
    const name = this.#find(bytes, from, to)
    if (this.#last !== undefined) this.#last.next = name
    this.#last = name
    return name.text
  }

  #find(bytes: Uint8Array, from: number, to: number): Name {
    let hash = to - from
    for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0
    const known = this.#known.get(hash)
    if (known !== undefined && isSame(known.bytes, bytes, from, to)) return known
    const own = bytes.slice(from, to)
    const name: Name = { bytes: own, text: decoder.decode(own), next: undefined }
    if (this.#known.size < MAX_NAMES) this.#known.set(hash, name)
    return name
  }
}

function isSame(own: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (own.length !== to - from) return false
  for (let i = 0; i < own.length; i++) if (own[i] !== bytes[from + i]) return false
  return true
}
