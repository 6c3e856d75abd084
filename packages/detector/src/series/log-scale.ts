/**
 * Norms, learning rates and loss scales are kept as whole numbers on a log scale: that is the scale they are compared
 * on, a whole number is short in JSON, and sums and sorts of them are exact. One unit is 1/4096 of an octave, so a
 * value read back is within 0.01 % of the one put in.
 */
export const OCTAVE = 4096

/** Stands for exactly 0: below every positive number. */
export const ZERO = -1100 * OCTAVE

/** `value` must be finite; 0 and below become `ZERO`. */
export function toLog(value: number): number {
  return value > 0 ? Math.round(Math.log2(value) * OCTAVE) | 0 : ZERO
}

/** The inverse, within 0.01 %; never Infinity, also for what rounds up to more than a float64 holds. */
export function fromLog(log: number): number {
  return log <= ZERO ? 0 : Math.min(2 ** (log / OCTAVE), Number.MAX_VALUE)
}

/** A factor as a distance on the log scale. */
export function logFactor(factor: number): number {
  return Math.log2(factor) * OCTAVE
}
