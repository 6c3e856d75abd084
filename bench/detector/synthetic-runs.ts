import type { Reading } from '../../packages/detector/src/index.ts'
import { noiseFrom, type Noise } from '../../packages/detector/test/noise.ts'
import { reading } from '../../packages/detector/test/readings.ts'

/** The noise of log(norm): normal, or heavy-tailed (Student's t with three degrees of freedom). */
export type Tails = 'normal' | 'heavy'
export const TAILS: readonly Tails[] = ['normal', 'heavy']

/** Standard deviation of log(norm) between steps. Real runs have 0.1 to 0.5. */
export const SPREAD = 0.3
/** The share of a step's deviation that carries over to the next: batches are independent, but weights are not. */
const MEMORY = 0.3
/** The cap of every run. */
export const CAP = 1

/** Noise: deviations of log(norm) from its level, and of the loss from its curve. */
class Scatter {
  readonly #noise: Noise
  readonly #tails: Tails
  readonly #memory: number
  readonly #spread: number
  #last = 0

  constructor(seed: number, tails: Tails, memory = MEMORY, spread = SPREAD) {
    this.#memory = memory
    this.#spread = spread
    this.#noise = noiseFrom(seed)
    this.#tails = tails
  }

  /** A random number with variance 1, with or without heavy tails. */
  #draw(): number {
    return this.#tails === 'normal' ? this.#noise.normal() : this.#noise.student(3) / Math.sqrt(3)
  }

  norm(): number {
    const memory = this.#memory
    this.#last = memory * this.#last + Math.sqrt(1 - memory ** 2) * this.#draw()
    return this.#spread * this.#last
  }

  loss(): number {
    return 0.05 * this.#noise.normal()
  }
}

export interface RunPlan {
  readonly seed: number
  readonly points: number
  readonly tails: Tails
  /** Correlation of log(norm) between points, and its standard deviation, if they differ from the defaults. */
  readonly memory?: number
  readonly spread?: number
  /** Steps between two logged points. */
  readonly interval: number
  /** The level of log(norm) at point `i`. */
  readonly level: (point: number) => number
  readonly loss?: (point: number) => number
  readonly lr?: (point: number) => number
  /** The point from which a finding is expected, if the plan has one. */
  readonly onset?: number
}

/** The readings of a synthetic run. */
export function synthesise({
  seed,
  points,
  tails,
  memory,
  spread,
  interval,
  level,
  loss,
  lr,
}: RunPlan): Reading[] {
  const scatter = new Scatter(seed, tails, memory, spread)
  return Array.from({ length: points }, (_, point) =>
    reading(point * interval, {
      gradNorm: Math.exp(level(point) + scatter.norm()),
      loss: loss === undefined ? undefined : loss(point) * (1 + scatter.loss()),
      lr: lr?.(point),
    }),
  )
}

/** The level of log(norm) at which a share `rate` of the steps is above the cap. Computed from a sample of the noise. */
export function levelFor(rate: number, tails: Tails): number {
  if (rate <= 0) return -6
  if (rate >= 1) return 6
  return -(quantiles(tails)[Math.floor((1 - rate) * SAMPLE)] as number)
}

const SAMPLE = 50_000
const sampled = new Map<Tails, Float64Array>()

function quantiles(tails: Tails): Float64Array {
  let sample = sampled.get(tails)
  if (sample === undefined) {
    const scatter = new Scatter(1, tails)
    sample = Float64Array.from({ length: SAMPLE }, () => scatter.norm()).sort()
    sampled.set(tails, sample)
  }
  return sample
}
