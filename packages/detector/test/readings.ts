import type { Reading, RunFacts } from '../src/contract.ts'

/** A reading with the parts given; the step's time is its number in seconds. */
export function reading(step: number, parts: Partial<Reading> = {}): Reading {
  return {
    step,
    time: step,
    gradNorm: undefined,
    loss: undefined,
    lr: undefined,
    cap: undefined,
    clipFraction: undefined,
    maxAbsGrad: undefined,
    postNorm: undefined,
    lossScale: undefined,
    skipped: undefined,
    zeroFraction: undefined,
    layers: undefined,
    ...parts,
  }
}

/** A run that clips by norm. */
export function clipAt(maxNorm: number, optimizer: string | null = null): RunFacts {
  return { clip: { mode: 'norm', max_norm: maxNorm }, optimizer }
}
