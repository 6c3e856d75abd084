import { number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, dropPending, openFinding, pend } from './findings.ts'
import { capInForce, clipRate, meanCoefficient } from '../record/clips.ts'
import type { Evidence } from '../contract.ts'
import type { Fold } from '../record/fold.ts'
import { onsetOfNorm } from '../record/onset.ts'
import { ROBUST_SD } from '../record/losses.ts'
import { pointsPerIndependent } from '../record/memory.ts'
import { fromLog, logFactor, toLog } from '../series/log-scale.ts'
import { lastOf } from '../series/ring.ts'
import { significant } from '../series/round.ts'

const KIND = 'clip_saturated'

export const clipSaturated = {
  name: KIND,
  severity: 'warning',
  title: 'Clipping saturated',
  titleLogOnly: 'Norm above the reference cap',
  condition: 'clipping is saturated',
  opens: 'clip rate of the window ≥ 0.8, all through a fifth of a window, outside warm-up (in it: `watch`)',
  closes: '≤ 0.5',
  causes: [
    'lr_too_high',
    'warmup_needed',
    'not_unscaled',
    'cap_below_typical_norm',
    'norm_growth',
    'one_layer',
    'inputs_changed',
    'noted_event',
  ],
  figures: {
    window: 'window, logged points',
    clipped: 'points clipped',
    rate: 'share clipped',
    mean_coefficient: 'mean clip coefficient',
    median_norm: 'median pre-clip norm',
    max_norm: 'cap',
  },
  settings: {
    enabled: on,
    open_rate: number(
      0.8,
      [0.05, 1],
      'Four steps of five: clipping decides the step length, not the optimiser.',
    ),
    close_rate: number(
      0.5,
      [0, 1],
      'Well below the opening rate, so that a rate that hovers does not open one finding after another.',
    ),
    hold: number(
      0.2,
      [0, 2],
      'Still so a fifth of a window later: a burst that fills the window and ends is not saturation.',
    ),
    excursion: number(
      9,
      [0, 20],
      'Norms that remember the ones before stay above the cap for long by chance: nine times the points that are worth one independent point leave few such excursions.',
    ),
    reopen: number(
      1,
      [0, 10],
      'Each time it opens again it must have held for one more window: a run that hovers around the threshold is reported a few times, not all day.',
    ),
  },
  ascending: [['close_rate', 'open_rate']],
  judges: { clipping: judgeSaturation, end: judgeSaturationAtEnd },
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly clip_saturated: SettingsOf<typeof clipSaturated.settings>
  }
}

/** Above the cap for this many points means saturated, however correlated the norms are. */
const LONGEST_HOLD = 1000
const MOST_REOPENED = 5
/** A window's median is not above the cap by chance from so many robust standard deviations, and so many times the cap. */
const FAR_ABOVE = 4
const FAR_TIMES = logFactor(3)

/**
 * Most steps are clipped, and still so a while later: the cap, not the optimiser, decides the step length. In warm-up
 * it stays pending (`watch`), and the waiting time starts when warm-up ends.
 */
function judgeSaturation(fold: Fold): void {
  const { clips, kinds, warmUp } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || clips.size < fold.settings.window.judge_from) return
  const rate = clipRate(clips)
  const now = kinds[KIND]
  if (now.phase === 'firing') {
    if (rate <= settings.close_rate) closeFinding(fold, KIND, 'recovered')
    return
  }
  if (rate < settings.open_rate) return dropPending(kinds[KIND])
  pend(fold, KIND, clips.seen)
  if (warmUp.phase !== 'over') return
  const heldFor = clips.seen - Math.max(now.from, warmUp.overAt)
  if (heldFor < Math.ceil(clips.size * settings.hold)) return
  if (heldFor >= holdOfExcursion(fold))
    openFinding(fold, clipSaturated, onset(fold), saturationEvidence(fold))
}

/**
 * How many points a run that hovers around its cap may be above it by chance: norms that remember the ones before stay
 * out for long. Each opening makes the next one wait as long again, so that a run at the bar does not tell its readers
 * again and again. 0 for norms without memory that were never saturated before.
 */
function holdOfExcursion(fold: Fold): number {
  const { clips, kinds } = fold.state
  const settings = fold.settings[KIND]
  const memory = isFarAboveCap(fold) ? 1 : pointsPerIndependent(fold)
  const excursion = memory > 1 ? settings.excursion * memory : 0
  const reopened = Math.min(kinds[KIND].opened, MOST_REOPENED) * clips.size * settings.reopen
  return Math.min(excursion + reopened, LONGEST_HOLD)
}

/** Whether the norms lie so far above the cap, measured by how much they vary, that they do not hover around it. */
function isFarAboveCap(fold: Fold): boolean {
  const cap = capInForce(fold)
  if (fold.clipRule.by !== 'norm' || cap === undefined || fold.window.size === 0) return false
  const median = fold.window.median()
  const above = median - toLog(cap)
  return above >= FAR_TIMES && above >= FAR_ABOVE * ROBUST_SD * fold.window.medianDistance(median)
}

/**
 * At the end of a run nothing more will come: what holds is judged at once. A warm-up that was seen excuses, but not a
 * mere decline of the norms that never came down to the cap.
 */
function judgeSaturationAtEnd(fold: Fold): void {
  const { clips, kinds, warmUp, lr } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || kinds[KIND].phase === 'firing') return
  if (warmUp.phase === 'on' && (lr.seen > 0 || !isAboveCapToTheEnd(fold))) return
  if (clips.size < fold.settings.window.judge_at_end_from || clipRate(clips) < settings.open_rate) return
  openFinding(fold, clipSaturated, onset(fold), saturationEvidence(fold))
}

/** Whether the newest fifth of the window, at least five points, is as clipped as all of it. */
function isAboveCapToTheEnd(fold: Fold): boolean {
  const { clips } = fold.state
  const newest = lastOf(clips.window, Math.max(5, Math.ceil(clips.size / 5)))
  return newest.filter((takenOff) => takenOff > 0).length >= fold.settings[KIND].open_rate * newest.length
}

/** By value there is no norm to go by: the first step of the row of clipped ones. */
function onset(fold: Fold): number | null {
  return fold.clipRule.by === 'norm' ? onsetOfNorm(fold, 'up') : fold.state.clips.streakFrom
}

function saturationEvidence(fold: Fold): Evidence {
  const { clips, norms } = fold.state
  const coefficient = meanCoefficient(fold)
  return {
    window: clips.size,
    clipped: clips.clipped,
    rate: significant(clipRate(clips), 4),
    mean_coefficient: coefficient === null ? null : significant(coefficient, 4),
    median_norm: norms.size === 0 ? null : significant(fromLog(fold.window.median()), 4),
    max_norm: capInForce(fold) ?? null,
    mode: fold.facts.clip.mode,
  }
}
