/** Epochs whose beginning is remembered. */
const MAX_EPOCHS = 100_000

export const COUNTED_ON =
  'The step begins again with each epoch: it is counted on from the largest one that the epoch before has in the log.'

/**
 * Counts steps on over the epochs in a log whose step begins again with each: where the step falls though the epoch rises, it is
 * the same run. A log whose steps rise throughout keeps them.
 */
export class EpochSteps {
  /** What is added to the steps of an epoch. */
  readonly #bases = new Map<number, number>()
  #epoch = NaN
  #base = 0
  #newest = -Infinity
  #largest = -Infinity

  /** The step within the run. `repeats`: whether an entry of the same step in a later epoch would measure the same again. */
  at(epoch: number, step: number, repeats: () => boolean): { step: number; isCountedOn: boolean } {
    const whole = Math.floor(epoch)
    const rises = whole > this.#epoch
    if (rises && (step < this.#newest || (step === this.#newest && repeats())))
      this.#base += this.#largest + (step === 0 ? 1 : 0)
    else if (whole < this.#epoch) this.#base = this.#bases.get(whole) ?? 0
    if (whole !== this.#epoch) {
      this.#largest = -Infinity
      if (this.#bases.size < MAX_EPOCHS) this.#bases.set(whole, this.#base)
      this.#epoch = whole
    }
    this.#newest = step
    this.#largest = Math.max(this.#largest, step)
    return { step: this.#base + step, isCountedOn: this.#base > 0 }
  }
}
