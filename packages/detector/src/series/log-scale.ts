/**
 * Norms, learning rates and loss scales are kept as whole numbers on a log scale: that is the scale they are compared
 * on, a whole number is short in JSON, and sums and sorts of them are exact. One unit is 1/4096 of an octave, so a
 * value read back is within 0.01 % of the one put in.
 */
export const OCTAVE = 4096

/** Stands for exactly 0: below every positive number. */
export const ZERO = -1100 * OCTAVE

/** `value` must be finite; 0 and below become `ZERO`. The same as `roundedLog`, in a quarter of its time. */
export function toLog(value: number): number {
  number[0] = value
  const high = words[1] as number
  // Not a normal positive number.
  if (high < EXPONENT_ONE || high >= INFINITE) return roundedLog(value)
  const mantissa = high & (EXPONENT_ONE - 1)
  let log = FIRST[mantissa >>> SHIFT] as number
  // One more if the bound lies below; without a branch, which would be guessed wrong for every third number.
  log += ((BOUNDS[log] as number) - mantissa) >>> 31
  if (BOUNDS[log] === mantissa) return roundedLog(value)
  return ((high >>> MANTISSA_BITS) - BIAS) * OCTAVE + log
}

export function roundedLog(value: number): number {
  return value > 0 ? Math.round(Math.log2(value) * OCTAVE) | 0 : ZERO
}

/** The float64 and its two halves; `words[1]` holds the sign, the exponent and the first bits of the mantissa. */
const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
const MANTISSA_BITS = 20
const BIAS = 1023
const EXPONENT_ONE = 1 << MANTISSA_BITS
const INFINITE = 0x7ff00000

/** The first bits of the mantissa at which the logarithm of a number from 1 to 2 rounds up to the next whole number. */
const BOUNDS = Uint32Array.from({ length: OCTAVE + 1 }, (_, log) =>
  log < OCTAVE ? (2 ** ((log + 0.5) / OCTAVE) - 1) * EXPONENT_ONE : EXPONENT_ONE,
)
/** The lowest place in `BOUNDS` for mantissas that begin with these 13 bits: at most one bound lies among them. */
const SHIFT = 7
const FIRST = new Uint16Array(EXPONENT_ONE >> SHIFT)
for (let bits = 0, log = 0; bits < FIRST.length; bits++) {
  while ((BOUNDS[log] as number) < bits << SHIFT) log++
  FIRST[bits] = log
}

/** The inverse, within 0.01 %; never Infinity, also for what rounds up to more than a float64 holds. */
export function fromLog(log: number): number {
  return log <= ZERO ? 0 : Math.min(2 ** (log / OCTAVE), Number.MAX_VALUE)
}

/** A factor as a distance on the log scale. */
export function logFactor(factor: number): number {
  return Math.log2(factor) * OCTAVE
}
