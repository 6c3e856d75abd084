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

/** The bytes of the numbers, little-endian, all lowest bytes first, then all second bytes …: alike bytes side by side. */
export function writeShuffled(writer: ByteWriter, numbers: Float32Array | Float64Array): void {
  const width = numbers.BYTES_PER_ELEMENT
  const count = numbers.length
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  const room = writer.room(bytes.length)
  for (let plane = 0; plane < width; plane++) {
    const offset = plane * count
    for (let i = 0, at = plane; i < count; i++, at += width) room[offset + i] = bytes[at] as number
  }
}

export function readShuffled(reader: ByteReader, numbers: Float32Array | Float64Array): void {
  const width = numbers.BYTES_PER_ELEMENT
  const count = numbers.length
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  const source = reader.take(bytes.length)
  for (let plane = 0; plane < width; plane++) {
    const offset = plane * count
    for (let i = 0, at = plane; i < count; i++, at += width) bytes[at] = source[offset + i] as number
  }
}
