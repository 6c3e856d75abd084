import type { Draft } from './imported-run.ts'
import { isOfValidation, renamed, STEP_NAMES } from './metric-names.ts'
import { jsonNumber } from './numbers.ts'

/** Fields that say where an entry stands, and are no readings. */
const PLACES: ReadonlySet<string> = new Set([
  ...STEP_NAMES,
  '_step',
  '_timestamp',
  '_runtime',
  'timestamp',
  'time',
])

/** Adds one JSON object of a training log; an entry without a step, or of an evaluation alone, is passed over. */
export function addEntry(entry: Readonly<Record<string, unknown>>, draft: Draft): boolean {
  // The HF Trainer's summary at the end repeats the mean loss of the whole run.
  if ('train_runtime' in entry) return false
  const step = STEP_NAMES.map((name) => jsonNumber(entry[name])).find((value) => value !== undefined)
  if (step === undefined) return false
  const readings = new Map<string, number>()
  for (const [name, value] of Object.entries(entry)) {
    const reading = PLACES.has(name) || isOfValidation(name) ? undefined : jsonNumber(value)
    if (reading !== undefined) readings.set(name, reading)
  }
  const isTraining = [...renamed(readings)].some(([name]) => name === 'grad_norm' || name === 'loss')
  if (isTraining) draft.add(step, timeOf(entry), renamed(readings))
  return isTraining
}

/** Unix seconds, where the entry has them: mmengine's `time` is the length of a step, not an instant. */
function timeOf(entry: Readonly<Record<string, unknown>>): number {
  const time = [entry['_timestamp'], entry['timestamp'], entry['time']].map(jsonNumber)
  return time.find((value) => value !== undefined && value > 1e9 && value < 1e11) ?? NaN
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
