/** The highest 18 bits of a float64 that is not negative (17 without the sign): buckets of 1/64 octave in ascending order. */
export const BUCKETS = 1 << 17
const SHIFT = 14

/** Where the high half of a float64 stands, whatever the byte order. */
const HIGH_WORD = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0

export const bucketOf = (norm: number): number =>
  (new Uint32Array(new Float64Array([norm]).buffer)[HIGH_WORD] as number) >>> SHIFT
