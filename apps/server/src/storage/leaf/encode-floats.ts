import type { ByteReader, ByteWriter } from './bytes.ts'

/** Whether each value is exactly a float32: NaN, ±Infinity and -0 are. */
export function fitFloat32(values: Float64Array, singles: Float32Array): boolean {
  singles.set(values)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (singles[i] !== value && value === value) return false
  }
  return true
}

/** Planes that one 32-bit word spreads over. */
const WORD = 4

/**
 * The bytes of the numbers, all lowest bytes first, then all second bytes …: alike bytes side by side. Float32 and
 * float64 are little-endian in memory on every machine that Node runs on.
 */
export function writeShuffled(writer: ByteWriter, numbers: Float32Array | Float64Array): void {
  const count = numbers.length
  const words = wordsOf(numbers)
  const stride = words.length / (count || 1)
  const room = writer.room(numbers.byteLength)
  for (let offset = 0; offset < stride; offset++) {
    const low = offset * WORD * count
    for (let i = 0, at = offset; i < count; i++, at += stride) {
      const word = words[at] as number
      room[low + i] = word
      room[low + count + i] = word >>> 8
      room[low + 2 * count + i] = word >>> 16
      room[low + 3 * count + i] = word >>> 24
    }
  }
}

export function readShuffled(reader: ByteReader, numbers: Float32Array | Float64Array): void {
  const count = numbers.length
  const words = wordsOf(numbers)
  const stride = words.length / (count || 1)
  const source = reader.take(numbers.byteLength)
  const quarter = Math.ceil(count / WORD)
  for (let offset = 0; offset < stride; offset++) {
    const planes = alignedPlanes(source.subarray(offset * WORD * count, (offset + 1) * WORD * count), count)
    for (let i = 0, at = offset; i < quarter; i++, at += WORD * stride) {
      const lowest = planes[i] as number
      const second = planes[quarter + i] as number
      const third = planes[2 * quarter + i] as number
      const highest = planes[3 * quarter + i] as number
      // bytes of the numbers 0 and 2, and of 1 and 3, of these four
      const lowEven = (lowest & EVEN) | ((second & EVEN) << 8)
      const lowOdd = ((lowest >>> 8) & EVEN) | (second & ODD)
      const highEven = (third & EVEN) | ((highest & EVEN) << 8)
      const highOdd = ((third >>> 8) & EVEN) | (highest & ODD)
      words[at] = (lowEven & 0xffff) | (highEven << 16)
      words[at + stride] = (lowOdd & 0xffff) | (highOdd << 16)
      words[at + 2 * stride] = (lowEven >>> 16) | (highEven & 0xffff0000)
      words[at + 3 * stride] = (lowOdd >>> 16) | (highOdd & 0xffff0000)
    }
  }
}

/** Some of the numbers, from the one at place `from` on, as many as `numbers` has room for. */
export function readShuffledFrom(
  source: Uint8Array,
  from: number,
  numbers: Float32Array | Float64Array,
): void {
  const stride = numbers.BYTES_PER_ELEMENT / WORD
  const count = source.length / numbers.BYTES_PER_ELEMENT
  const words = wordsOf(numbers)
  for (let offset = 0; offset < stride; offset++) {
    const low = offset * WORD * count + from
    for (let i = 0, at = offset; i < numbers.length; i++, at += stride) {
      words[at] =
        (source[low + i] as number) |
        ((source[low + count + i] as number) << 8) |
        ((source[low + 2 * count + i] as number) << 16) |
        ((source[low + 3 * count + i] as number) << 24)
    }
  }
}

/** Every second byte of a word, from the lowest on, and the others. */
const EVEN = 0x00ff00ff
const ODD = 0xff00ff00
let aligned = new Uint32Array(1024)

/** Four planes of `count` bytes as words of four bytes, each plane from a new word on. */
function alignedPlanes(planes: Uint8Array, count: number): Uint32Array {
  const quarter = Math.ceil(count / WORD)
  if (aligned.length < WORD * quarter) aligned = new Uint32Array(WORD * quarter)
  const bytes = new Uint8Array(aligned.buffer)
  for (let plane = 0; plane < WORD; plane++) {
    bytes.set(planes.subarray(plane * count, (plane + 1) * count), plane * WORD * quarter)
  }
  return aligned
}

const wordsOf = (numbers: Float32Array | Float64Array): Uint32Array =>
  new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / WORD)
