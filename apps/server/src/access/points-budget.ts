import { BURST } from './limits.ts'

/** Runs whose budget is kept; one that is forgotten starts full. */
const MAX_RUNS = 10_000

/** How many points each run may still send: a bucket that holds some seconds' worth and refills at a steady rate. */
export class PointsBudget {
  readonly #perSecond: number
  readonly #runs = new Map<string, { left: number; at: number }>()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
  }

  /**
   * Takes `points` of the run's budget at `now` (milliseconds) and returns 0, or takes nothing and returns the seconds
   * after which they will fit. A request larger than a full bucket passes when the bucket is full.
   */
  take(run: string, points: number, now: number): number {
    const full = this.#perSecond * BURST
    const { left: before, at } = this.#runs.get(run) ?? { left: full, at: now }
    const left = Math.min(full, before + ((now - at) / 1000) * this.#perSecond)
    const needed = Math.min(points, full)
    // A millionth of a point: who waits as long as told is not refused for a rounding.
    const fits = left >= needed - 1e-6
    this.#runs.delete(run)
    this.#runs.set(run, { left: fits ? left - points : left, at: now })
    if (this.#runs.size > MAX_RUNS) this.#runs.delete(this.#runs.keys().next().value as string)
    return fits ? 0 : (needed - left) / this.#perSecond
  }
}
