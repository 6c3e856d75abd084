/** A source of random numbers that gives the same ones for the same seed. */
export interface Noise {
  /** Uniform in [0, 1). */
  uniform(): number
  /** Normal with mean 0 and variance 1. */
  normal(): number
  /** Student's t with so many degrees of freedom: heavy tails where they are few. */
  student(degrees: number): number
}

/** Mulberry32, and the polar form of Box and Muller. */
export function noiseFrom(seed: number): Noise {
  let state = seed >>> 0
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const student = (degrees: number): number => {
    let squares = 0
    for (let i = 0; i < degrees; i++) squares += normal() ** 2
    return normal() / Math.sqrt(squares / degrees)
  }
  return { uniform, normal, student }
}
