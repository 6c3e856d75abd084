import type { Fold } from '../record/fold.ts'
import { OCTAVE } from '../series/log-scale.ts'
import { ROBUST_SD } from '../record/losses.ts'
import { logFigure, percent } from './figures.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** A baseline that varies by less than a third is quiet: what stands out from it is not its own noise. */
const QUIET = 0.33
/** Points in which spikes still belong to what opens now. */
const NEAR = 200

/** A spike that lasts for this many points is more than one batch. */
const LASTING = 4

/** A few norms far above a quiet baseline: single batches. Names their steps. */
export const outlierBatches: CauseRecord = {
  title: 'Outlier batches',
  seen: 'fewer than ten spikes in 200 points over a baseline that varies by less than a third',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { spike, norms } = fold.state
  const { baseline } = fold
  const near = spike.steps.filter((_, i) => norms.seen - (spike.at[i] as number) <= NEAR)
  if (spike.excluded >= LASTING) return undefined
  if (near.length === 0 || near.length >= fold.settings.spike.many || baseline.size === 0) return undefined
  const median = baseline.median()
  const spread = 2 ** ((ROBUST_SD * baseline.medianDistance(median)) / OCTAVE) - 1
  if (spread > QUIET) return undefined
  const steps = `${near.length === 1 ? 'step' : 'steps'} ${near.join(', ')}`
  return {
    weight: 0.5,
    because: `The norm stood far above its baseline at ${steps}; the other ${baseline.size} norms lie around ${logFigure(median)} and vary by ${percent(spread)}.`,
    look_at: `The batches of ${steps}: broken or very long samples, rare labels.`,
  }
}
