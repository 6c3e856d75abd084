import type { Reading, RunFacts } from '../src/contract.ts'
import { emptyReading } from '../src/record/reading-fields.ts'

/** A reading with the parts given; the step's time is its number in seconds. */
export function reading(step: number, parts: Partial<Reading> = {}): Reading {
  return { ...emptyReading(), step, time: step, ...parts }
}

/** A run that clips by norm. */
export function clipAt(maxNorm: number, optimizer: string | null = null): RunFacts {
  return { clip: { mode: 'norm', max_norm: maxNorm }, optimizer }
}
