import { MAX_STEP, MAX_TIME } from '@normwatch/protocol/limits'
import type { RunEvent } from './outbox-item.ts'
import type { EventOptions } from './types.ts'

const MAX_LABEL_LENGTH = 128
const MAX_TEXT_LENGTH = 2_048

/** An event in the wire's form; `undefined` when one of its arguments cannot be used. `now` in milliseconds. */
export function readEvent(
  label: string,
  now: number,
  { step, time = now / 1000, text }: EventOptions,
  refuse: (argument: string, reason: string) => void,
): RunEvent | undefined {
  const faults: [isWrong: boolean, argument: string, reason: string][] = [
    [!isText(label, 1, MAX_LABEL_LENGTH), 'label', `must be a text of 1 to ${MAX_LABEL_LENGTH} characters`],
    [!isWhole(step), 'step', 'must be a whole number from 0 to 2^53 - 1'],
    [!(time >= 0 && time <= MAX_TIME), 'time', 'must be Unix seconds, a number from 0 to 1e11'],
    [
      text !== undefined && !isText(text, 0, MAX_TEXT_LENGTH),
      'text',
      `must be a text of at most ${MAX_TEXT_LENGTH} characters`,
    ],
  ]
  const fault = faults.find(([isWrong]) => isWrong)
  if (fault !== undefined) {
    refuse(fault[1], fault[2])
    return undefined
  }
  return { step: step as number, time, label, ...(text !== undefined && { text }) }
}

function isText(value: unknown, minimum: number, maximum: number): boolean {
  return typeof value === 'string' && value.length >= minimum && value.length <= maximum
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_STEP
}
