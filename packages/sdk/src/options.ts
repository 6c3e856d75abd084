import { MAX_STEP, MAX_TIME } from '@normwatch/protocol/limits'
import { textOf } from './error-text.ts'
import { nearestName } from './near-names.ts'

/** A check for the value of an option, and the message if it fails. */
type Rule = readonly [isValid: (value: unknown) => boolean, words: string]
/** A rule for each option. */
export type Rules<T> = Readonly<Record<keyof T, Rule>>
/** Called for an invalid option, with its name and the reason. */
export type RefuseOption = (option: string, reason: string) => void

export const CAP: Rule = [(value) => typeof value === 'number' && value > 0, 'must be a number above 0']
export const STEP: Rule = [isStep, 'must be a whole number from 0 to 2^53 - 1']
export const TIME: Rule = [
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_TIME,
  'must be Unix seconds, a number from 0 to 1e11',
]
export const OPTIMIZER: Rule = [isText(0, 128), 'must be a name of at most 128 characters']
export const FLAG: Rule = [(value) => typeof value === 'boolean', 'must be true or false']
export const TIMEOUT: Rule = [
  (value) => typeof value === 'number' && value >= 0,
  'must be milliseconds, a number from 0 on',
]

export function isText(minimum: number, maximum: number): (value: unknown) => value is string {
  return (value): value is string =>
    typeof value === 'string' && value.length >= minimum && value.length <= maximum
}

export function isStep(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_STEP
}

/**
 * The valid options. Each invalid or unknown option is refused and left out. Unknown options are reported because a misspelt
 * `maxNorm` would otherwise silently give a run without a cap. Never throws because of the values it reads.
 */
export function readOptions<T extends object>(
  given: unknown,
  rules: Rules<T>,
  refuse: RefuseOption,
): Partial<T> {
  const known = Object.keys(rules)
  if (given === undefined) return {}
  if (typeof given !== 'object' || given === null) {
    refuse('options', `must be an object such as { ${known.slice(0, 2).join(', ')} }`)
    return {}
  }
  let names: string[]
  try {
    names = Object.keys(given)
  } catch (error) {
    refuse('options', `cannot be read (${textOf(error)})`)
    return {}
  }
  const read: Record<string, unknown> = {}
  for (const option of names) {
    const rule = Object.hasOwn(rules, option) ? rules[option as keyof T] : undefined
    if (rule === undefined) {
      const meant = nearestName(option, known)
      refuse(option, `is not an option${meant === undefined ? '' : `; did you mean ${meant}?`}`)
      continue
    }
    const fault = copy(given as Record<string, unknown>, read, option, rule)
    if (fault !== undefined) refuse(option, fault)
  }
  return read as Partial<T>
}

/** Copies one option if it is given and valid. Returns why it is invalid. */
function copy(
  from: Record<string, unknown>,
  to: Record<string, unknown>,
  option: string,
  [isValid, words]: Rule,
): string | undefined {
  try {
    const value = from[option]
    if (value === undefined || value === null) return undefined
    if (!isValid(value)) return words
    to[option] = value
    return undefined
  } catch (error) {
    return `cannot be read (${textOf(error)})`
  }
}
