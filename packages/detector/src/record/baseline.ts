import { newRing, push, recent } from '../series/ring.ts'
import type { Fold } from './fold.ts'

/** Resets the baseline: the following norms are at another level. */
export function restartBaseline(fold: Fold): void {
  Object.assign(fold.state.spike.baseline, newRing())
  fold.baseline.clear()
}

/** Takes a quiet norm, on the log scale, into the baseline of spikes. */
export function addToBaseline(fold: Fold, log: number): void {
  const { baseline: ring } = fold.state.spike
  const capacity = fold.settings.spike.baseline
  if (ring.values.length < capacity) fold.baseline.insert(log)
  else fold.baseline.replace(recent(ring, ring.values.length - 1), log)
  push(ring, capacity, log)
}
