import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'
import { addToBaseline, restartBaseline } from '../../record/baseline.ts'
import { fromLog } from '../../series/log-scale.ts'
import { ROBUST_SD } from '../../record/losses.ts'
import { BLOCK } from '../../record/state.ts'
import { significant } from '../../series/round.ts'

const KIND = 'spike'

/** A norm that stands far out from the quiet ones before it. The baseline does not learn from spikes. */
export function judgeSpike(fold: Fold, log: number): void {
  const { spike, kinds, norms, warmUp } = fold.state
  const settings = fold.settings[KIND]
  const { baseline } = fold
  const isFiring = kinds[KIND].phase === 'firing'
  const hasBaseline =
    isFiring ||
    (baseline.size >= settings.baseline_min && warmUp.phase === 'over') ||
    isAboveEverything(fold, log)
  if (!hasBaseline || !settings.enabled) return addToBaseline(fold, log)
  const median = baseline.median()
  const above = log - median
  if (!isFiring && above < fold.thresholds.spikeOpens) return addToBaseline(fold, log)
  const z = above / (ROBUST_SD * baseline.medianDistance(median))
  if (isFiring) {
    spike.excluded++
    if (spike.excluded > settings.max_points) {
      // An excursion this long is a new level; the baseline starts again from it.
      restartBaseline(fold)
    } else if (z >= settings.close_z && above >= fold.thresholds.spikeCloses) return
    closeFinding(fold, KIND, 'recovered')
    return addToBaseline(fold, log)
  }
  if (z < settings.open_z && !isAboveEverything(fold, log)) return addToBaseline(fold, log)
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
  openFinding(
    fold,
    KIND,
    fold.step,
    {
      norm: significant(fromLog(log), 4),
      baseline_median: significant(fromLog(median), 4),
      times_median: significant(fromLog(above), 4),
      robust_z: significant(z, 4),
      baseline: baseline.size,
      spikes: spike.at.length,
    },
    isMany ? 'warning' : 'info',
  )
}

/** Whether the norm is a hundred times all norms of the baseline: five of them are enough to say so. */
function isAboveEverything({ baseline, thresholds }: Fold, log: number): boolean {
  return baseline.size >= BLOCK && log - baseline.at(baseline.size - 1) >= thresholds.spikeAboveAll
}
