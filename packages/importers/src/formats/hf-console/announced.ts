import { printedNumber } from '../../text/numbers.ts'

/** What a console says of a training before its entries. */
export interface Announced {
  readonly loggingSteps?: number | undefined
  /** Whether the first step has an entry of its own. */
  readonly logsFirstStep?: boolean | undefined
  readonly totalSteps?: number | undefined
  readonly totalEpochs?: number | undefined
  /** The step after which a resumed training goes on. */
  readonly resumedAfter?: number | undefined
}

const MAY_ANNOUNCE = /logging_|Total optimization|Num Epochs|Continuing training/
export const LOGGING_STEPS = /\blogging_steps['"]?\s*[:=]\s*(\d+)\b/
const LOGGING_FIRST_STEP = /\blogging_first_step['"]?\s*[:=]\s*(true|false)\b/i
const TOTAL_STEPS = /Total optimization steps = ([\d,]+)/
const TOTAL_EPOCHS = /Num Epochs = ([\d,]+)/
const RESUMED_AFTER = /Continuing training from global step ([\d,]+)/

/** Collects what is announced of a training: lines after an entry speak of the next one, which else is like the one before. */
export class Announcement {
  #earlier: Announced = {}
  #own: Announced = {}
  #isClosed = false

  get facts(): Announced {
    const { resumedAfter } = this.#own
    return { ...this.#earlier, ...this.#own, resumedAfter }
  }

  /** Whether a training begins, by what was said since the last entry. */
  get begins(): boolean {
    return !this.#isClosed && (this.#own.totalSteps ?? this.#own.resumedAfter) !== undefined
  }

  read(line: string): void {
    const said = MAY_ANNOUNCE.test(line) ? factsIn(line) : {}
    if (Object.keys(said).length === 0) return
    if (this.#isClosed) {
      this.#earlier = this.facts
      this.#own = {}
      this.#isClosed = false
    }
    const { loggingSteps, logsFirstStep } = this.#own
    // the first stay: configurations are printed before what overrides nothing
    this.#own = {
      ...this.#own,
      ...said,
      ...(loggingSteps !== undefined && { loggingSteps }),
      ...(logsFirstStep !== undefined && { logsFirstStep }),
    }
  }

  /** An entry came. */
  close(): void {
    this.#isClosed = true
  }
}

function factsIn(line: string): Announced {
  const loggingSteps = numberIn(LOGGING_STEPS, line)
  const first = LOGGING_FIRST_STEP.exec(line)?.[1]
  const totalSteps = numberIn(TOTAL_STEPS, line)
  const totalEpochs = numberIn(TOTAL_EPOCHS, line)
  const resumedAfter = numberIn(RESUMED_AFTER, line)
  return {
    ...(loggingSteps !== undefined && { loggingSteps }),
    ...(first !== undefined && { logsFirstStep: /true/i.test(first) }),
    ...(totalSteps !== undefined && { totalSteps }),
    ...(totalEpochs !== undefined && { totalEpochs }),
    ...(resumedAfter !== undefined && { resumedAfter }),
  }
}

function numberIn(pattern: RegExp, line: string): number | undefined {
  const text = pattern.exec(line)?.[1]
  const value = text === undefined ? undefined : printedNumber(text)
  return value === undefined || !(value > 0) ? undefined : value
}
