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
  for (let offset = 0; offset < stride; offset++) {
    const low = offset * WORD * count
    for (let i = 0, at = offset; i < count; i++, at += stride) {
      words[at] =
        (source[low + i] as number) |
        ((source[low + count + i] as number) << 8) |
        ((source[low + 2 * count + i] as number) << 16) |
        ((source[low + 3 * count + i] as number) << 24)
    }
  }
}

const wordsOf = (numbers: Float32Array | Float64Array): Uint32Array =>
  new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / WORD)
