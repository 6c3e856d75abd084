import type { Fold } from '../fold.ts'
import { fromLog } from '../log-scale.ts'
import { ROBUST_SD } from '../losses.ts'
import { newRing, push, recent } from '../ring.ts'
import { significant } from '../round.ts'

const KIND = 'spike'

/** A norm that stands far out from the quiet ones before it. The baseline does not learn from spikes. */
export function judgeSpike(fold: Fold, log: number): void {
  const { spike, kinds, norms, warmUp } = fold.state
  const settings = fold.settings[KIND]
  const { baseline } = fold
  const isFiring = kinds[KIND].phase === 'firing'
  const hasBaseline = baseline.size >= settings.baseline_min && warmUp.phase === 'over'
  if (!hasBaseline || !settings.enabled) return learn(fold, log)
  const median = baseline.median()
  const above = log - median
  if (!isFiring && above < fold.bars.spikeOpens) return learn(fold, log)
  const z = above / (ROBUST_SD * baseline.medianDistance(median))
  if (isFiring) {
    spike.excluded++
    if (spike.excluded > settings.max_points) {
      // So long is no spike but a new level: the baseline starts again from it.
      restartBaseline(fold)
    } else if (z >= settings.close_z && above >= fold.bars.spikeCloses) return
    fold.close(KIND, 'recovered')
    return learn(fold, log)
  }
  if (z < settings.open_z) return learn(fold, log)
  spike.excluded = 1
  spike.at.push(norms.seen)
  spike.steps.push(fold.step)
  if (spike.at.length > settings.many) {
    spike.at.splice(0, spike.at.length - settings.many)
    spike.steps.splice(0, spike.steps.length - settings.many)
  }
  const isMany =
    spike.at.length >= settings.many && norms.seen - (spike.at[0] as number) < settings.many_points
  spike.isWarning = isMany
  fold.open(KIND, isMany ? 'warning' : 'info', {
    norm: significant(fromLog(log), 4),
    baseline_median: significant(fromLog(median), 4),
    times_median: significant(fromLog(above), 4),
    robust_z: significant(z, 4),
    baseline: baseline.size,
    spikes: spike.at.length,
  })
}

/** Forgets the norms so far: those to come are another level. */
export function restartBaseline(fold: Fold): void {
  Object.assign(fold.state.spike.baseline, newRing())
  fold.baseline.clear()
}

function learn(fold: Fold, log: number): void {
  const { baseline: ring } = fold.state.spike
  const capacity = fold.settings[KIND].baseline
  if (ring.values.length < capacity) fold.baseline.insert(log)
  else fold.baseline.replace(recent(ring, ring.values.length - 1), log)
  push(ring, capacity, log)
}
