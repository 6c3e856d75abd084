import type { Announced } from './announced.ts'

/**
 * Reckons the steps of entries that do not say theirs: by their number where the interval is known, else by their epoch. An epoch is
 * printed rounded, so it only bounds the step: within these bounds entries stand at even distances, and steps always grow.
 */
export class StepReckoning {
  #count = 0
  #newest: number
  readonly #start: number

  constructor({ resumedAfter = 0 }: Announced) {
    this.#start = resumedAfter
    this.#newest = resumedAfter
  }

  /** The step of the next entry, whose epoch is printed as this text. */
  next(epoch: string, { loggingSteps, logsFirstStep, totalSteps, totalEpochs }: Announced): number {
    this.#count++
    const stepsAnEpoch = (totalSteps ?? NaN) / (totalEpochs ?? NaN)
    if (loggingSteps !== undefined) this.#newest = this.#byNumber(loggingSteps, logsFirstStep === true)
    else if (Number(epoch) * stepsAnEpoch > 0) this.#newest = this.#byEpoch(epoch, stepsAnEpoch)
    else this.#newest++
    return this.#newest
  }

  #byNumber(interval: number, logsFirst: boolean): number {
    const isFirst = logsFirst && this.#count === 1 && this.#start === 0
    return isFirst ? 1 : (Math.floor(this.#newest / interval) + 1) * interval
  }

  #byEpoch(epoch: string, stepsAnEpoch: number): number {
    const decimals = /\.(\d+)$/.exec(epoch)?.[1]?.length ?? 0
    const slack = 0.5 * 10 ** -decimals * stepsAnEpoch
    const step = Number(epoch) * stepsAnEpoch
    const interval = Math.max(1, Math.round((step - this.#start) / this.#count))
    const even = Math.min(Math.max(this.#newest + interval, step - slack), step + slack)
    return Math.max(this.#newest + 1, Math.round(even))
  }
}
