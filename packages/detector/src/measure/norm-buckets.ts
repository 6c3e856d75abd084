/** The highest 18 bits of a float64 that is not negative (17 without the sign): buckets of 1/64 octave in ascending order. */
export const BUCKETS = 1 << 17
const SHIFT = 14

/** Where the high half of a float64 stands, whatever the byte order. */
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

export const wordsOf = (numbers: Float64Array): Uint32Array =>
  new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length * 2)

/** The bucket of number `i`, given the array's words. */
export const bucketAt = (words: Uint32Array, i: number): number =>
  (words[2 * i + HIGH_WORD] as number) >>> SHIFT

export const bucketOf = (norm: number): number => bucketAt(wordsOf(new Float64Array([norm])), 0)
