import { newRing, push } from '../series/ring.ts'
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
  if (ring.values.length < capacity) fold.baseline.push(log)
  else fold.baseline.slide(log)
  push(ring, capacity, log)
}
