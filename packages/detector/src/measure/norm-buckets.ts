export type Numbers = Float32Array | Float64Array

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

/** The highest 18 bits of a float64 that is not negative (17 without the sign): buckets of 1/64 octave in ascending order. */
export const BUCKETS = 1 << 17
const SHIFT = 14

export const bucketOf = (norm: number): number =>
  (wordsOf(Float64Array.of(norm))[highWord(2)] as number) >>> SHIFT

/** How numbers of one width tell their bucket. */
export interface Form {
  /** Words of 32 bits in a number. */
  readonly width: number
  /** Bits of the high word that the bucket does not go by. */
  readonly shift: number
  /** What is left of infinity. That of NaN and of negative numbers is no less, and they are in no bucket. */
  readonly end: number
  /** The bucket of the numbers of which 0 is left. */
  readonly offset: number
}
export const DOUBLES: Form = { width: 2, shift: SHIFT, end: 0x7ff0_0000 >>> SHIFT, offset: 0 }
/** A float32 has those bits too, behind an exponent with another bias. */
export const SINGLES: Form = {
  width: 1,
  shift: 17,
  end: 0x7f80_0000 >>> 17,
  offset: bucketOf(1) - (0x3f80_0000 >>> 17),
}
/** What is left of the least float32 with all its digits; those below have another exponent as float64. */
export const FIRST_SINGLE = 0x0080_0000 >>> 17

export function wordsOf({ buffer, byteOffset, byteLength }: Numbers): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength / Uint32Array.BYTES_PER_ELEMENT)
}

/** Where the high word of the first number stands. */
export function highWord(width: number): number {
  return IS_LITTLE_ENDIAN ? width - 1 : 0
}
