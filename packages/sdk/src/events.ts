import { isText, readOptions, STEP, TIME, type RefuseOption, type Rules } from './options.ts'
import type { RunEvent } from './outbox-item.ts'
import type { EventOptions } from './types.ts'

const MAX_LABEL_LENGTH = 128
export const MAX_TEXT_LENGTH = 2_048
/** Events of one run. */
export const MAX_EVENTS_PER_RUN = 10_000

const RULES: Rules<EventOptions> = {
  step: STEP,
  time: TIME,
  text: [isText(0, MAX_TEXT_LENGTH), `must be a text of at most ${MAX_TEXT_LENGTH} characters`],
}

/**
 * An event in the wire form. Its step and time default to `newestStep` and `now` (milliseconds). `undefined` if one of its
 * arguments is invalid.
 */
export function readEvent(
  label: unknown,
  options: unknown,
  newestStep: number,
  now: number,
  refuse: RefuseOption,
): RunEvent | undefined {
  let isRefused = false
  const { step, time, text } = readOptions(options, RULES, (option, reason) => {
    isRefused ||= Object.hasOwn(RULES, option)
    refuse(option, reason)
  })
  if (isRefused) return undefined
  if (!isText(1, MAX_LABEL_LENGTH)(label) || /\p{Surrogate}/u.test(label)) {
    refuse('label', `must be Unicode text of 1 to ${MAX_LABEL_LENGTH} characters`)
    return undefined
  }
  const at = time === undefined ? timeAt(now) : { time }
  return { step: step ?? newestStep, ...at, label, ...(text !== undefined && { text }) }
}

/** The time of an event at `now` (milliseconds). The server sets it if the machine's clock is outside the range that it accepts. */
export function timeAt(now: number): { time?: number } {
  const [isValid] = TIME
  return isValid(now / 1000) ? { time: now / 1000 } : {}
}
