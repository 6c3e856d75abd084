import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import { clipRate } from '../record/clips.ts'
import type { Fold } from '../record/fold.ts'
import { onsetOfNorm } from '../record/onset.ts'
import { pointsPerIndependent } from '../record/memory.ts'
import { ROBUST_SD } from '../record/losses.ts'
import { fromLog } from '../series/log-scale.ts'
import { restartReference } from '../record/norms.ts'
import { significant } from '../series/round.ts'
import { BLOCK } from '../record/state.ts'

const KIND = 'clip_regime_change'

export const clipRegimeChange = {
  name: KIND,
  severity: 'info',
  title: 'Clipping changed its regime',
  condition: 'the clipping regime changed',
  opens:
    'clip rate differs by ≥ 0.4 from the norms before, or the median norm by a factor ≥ 4; outside warm-up. “The norms before” then start over',
  closes: 'at once',
  causes: [
    'lr_too_high',
    'not_unscaled',
    'norm_growth',
    'one_layer',
    'amp_underflow',
    'inputs_changed',
    'noted_event',
  ],
  figures: {
    window: 'window, logged points',
    before: 'compared with, logged points',
    rate: 'share clipped',
    rate_before: 'share clipped before',
    median_norm: 'median pre-clip norm',
    median_norm_before: 'median norm before',
  },
  settings: {
    enabled: on,
    rate_change: number(
      0.4,
      [0.1, 1],
      'Half of the way from a guard rail to a normaliser, and about four standard errors of a 25-point rate.',
    ),
    norm_factor: number(
      4,
      [1.5, 1000],
      'Medians of a steady run stay within a factor of 2; 4 is two doublings.',
    ),
    reference_min: count(25, [10, 200], 'The norms before must be as many as the smallest window.'),
    reference_windows: number(
      5,
      [1, 5],
      'The recent past, not the whole run: a slow drift over many windows is not a sudden change.',
    ),
    errors: number(
      4,
      [0, 10],
      'Four standard errors, counted in independent points, where norms remember the ones before.',
    ),
  },
  judges: { clipping: judgeRegime },
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly clip_regime_change: SettingsOf<typeof clipRegimeChange.settings>
  }
}

/** A rate that changes by this is a change, whatever the memory of the norms. */
const LARGEST = 0.95

/**
 * The window no longer looks like the norms before it. One-off: it opens and closes at the same step, and "the norms
 * before" start over after it, so that one change is one finding.
 */
function judgeRegime(fold: Fold): void {
  const { clips, norms, warmUp } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || warmUp.phase !== 'over') return
  const { judge_from: judgeFrom } = fold.settings.window
  const hasRate = clips.size >= judgeFrom && clips.reference * BLOCK >= settings.reference_min
  const rate = clipRate(clips)
  const rateBefore = clips.referenceClipped / (clips.reference * BLOCK)
  const rateChange = hasRate ? Math.abs(rate - rateBefore) : 0
  const hasNorm = norms.size >= judgeFrom && norms.reference * BLOCK >= settings.reference_min
  if (rateChange < settings.rate_change && (!hasNorm || areMediansWithin(fold, fold.thresholds.regime)))
    return
  const norm = fold.window.median()
  const normBefore = fold.reference.median()
  const normChange = hasNorm ? Math.abs(norm - normBefore) : 0
  if (rateChange < settings.rate_change && normChange < fold.thresholds.regime) return
  const memory = pointsPerIndependent(fold)
  if (memory > 1) {
    // Standard errors of what stands for fewer norms than there are.
    const error = Math.sqrt(memory * (1 / clips.size + 1 / (clips.reference * BLOCK)))
    const isRateChange =
      rateChange >= Math.min(LARGEST, Math.max(settings.rate_change, settings.errors * 0.5 * error))
    const isNormChange =
      normChange >= Math.max(fold.thresholds.regime, settings.errors * spread(fold) * error)
    if (!isRateChange && !isNormChange) return
  }
  openFinding(fold, clipRegimeChange, onsetOfNorm(fold, 'either'), {
    window: Math.max(clips.size, norms.size),
    before: Math.max(clips.reference, norms.reference) * BLOCK,
    rate: hasRate ? significant(rate, 4) : null,
    rate_before: hasRate ? significant(rateBefore, 4) : null,
    median_norm: hasNorm ? significant(fromLog(norm), 4) : null,
    median_norm_before: hasNorm ? significant(fromLog(normBefore), 4) : null,
  })
  closeFinding(fold, KIND, 'recovered')
  restartReference(fold)
}

/** Whether what bounds the medians of the window and of the norms before says that they differ by less than `change`. */
function areMediansWithin({ window, reference }: Fold, change: number): boolean {
  return (
    window.medianAtMost() - reference.medianAtLeast() < change &&
    reference.medianAtMost() - window.medianAtLeast() < change
  )
}

/** Robust standard deviation of the norms in the window, on the log scale. */
function spread({ window }: Fold): number {
  return ROBUST_SD * window.medianDistance(window.median())
}
