/** Stretches of steps that are remembered; beyond, all up to the largest step counts as seen. */
const MAX_STRETCHES = 4096

interface Stretch {
  from: number
  to: number
  stride: number
}

/** Which steps a run has had, as stretches of equal stride: constant memory for a log of any length. */
export class StepHistory {
  readonly #stretches: Stretch[] = []
  #isFull = false
  smallest = Infinity
  largest = -Infinity
  /** The smallest distance of two neighbouring steps that was seen; 1 before there are two. */
  interval = 1
  #hasInterval = false

  add(step: number): void {
    const last = this.#stretches.at(-1)
    const distance = last === undefined ? 0 : step - last.to
    if (distance > 0) {
      this.interval = this.#hasInterval ? Math.min(this.interval, distance) : distance
      this.#hasInterval = true
    }
    if (last !== undefined && distance > 0 && (last.stride === 0 || last.stride === distance)) {
      last.stride = distance
      last.to = step
    } else if (this.#stretches.length < MAX_STRETCHES) {
      this.#stretches.push({ from: step, to: step, stride: 0 })
    } else this.#isFull = true
    this.smallest = Math.min(this.smallest, step)
    this.largest = Math.max(this.largest, step)
  }

  has(step: number): boolean {
    if (step < this.smallest || step > this.largest) return false
    if (this.#isFull) return true
    return this.#stretches.some(
      ({ from, to, stride }) => step >= from && step <= to && (stride === 0 || (step - from) % stride === 0),
    )
  }

  /** Whether this step restarts a training that has had these steps. */
  isStart(step: number): boolean {
    return step === this.smallest && step <= Math.max(1, this.interval) && this.has(step)
  }
}
