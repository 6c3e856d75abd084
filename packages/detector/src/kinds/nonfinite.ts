import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, openFinding } from './findings.ts'
import type { Fold } from '../record/fold.ts'

const KIND = 'nonfinite'

export const nonfinite = {
  name: KIND,
  severity: 'critical',
  title: 'Non-finite norm or loss',
  condition: 'NaN or infinite readings',
  opens:
    'NaN or ±Infinity in norm or loss; with a loss scale above 1 logged: 3 points in a row, or the 11th in 1,000',
  closes: '50 finite points in a row',
  causes: [
    'amp_overflow',
    'lr_too_high',
    'outlier_batches',
    'norm_growth',
    'one_layer',
    'inputs_changed',
    'noted_event',
  ],
  figures: {
    streak: 'points in a row',
  },
  settings: {
    enabled: on,
    amp_streak: count(
      3,
      [1, 100],
      'A loss scaler backs off by halving; one or two overflows in a row are its normal search.',
    ),
    amp_count: count(11, [1, 20], 'More than 1 % of the last 1,000 points: the eleventh.'),
    amp_points: count(
      1000,
      [10, 100_000],
      'A healthy scaler overflows about once in its 2,000 clean steps between doublings.',
    ),
    amp_min_scale: number(
      1,
      [0, 65_536],
      'A scale of 1 no longer scales: there is nothing left to back off to.',
    ),
    close_after: count(
      50,
      [1, 10_000],
      'One clean point after a NaN says little; 50 in a row say it is over.',
    ),
  },
  judges: { finite: seeFinite, nonfinite: seeNonfinite },
  memory: () => ({
    nonfinite: { points: 0, lastStep: -1, badStep: -1, streak: 0, streakFrom: -1, clean: 0, at: [] },
  }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly nonfinite: SettingsOf<typeof nonfinite.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly nonfinite: {
      points: number
      lastStep: number
      badStep: number
      streak: number
      /** First step of the streak. */
      streakFrom: number
      clean: number
      at: number[]
    }
  }
}

/** A finite norm or loss. A step counts once, whether it has one or both, and in however many parts it arrives. */
function seeFinite(fold: Fold): void {
  const own = fold.state.nonfinite
  if (!startStep(fold)) return
  own.clean++
  if (fold.state.kinds[KIND].phase === 'firing' && own.clean >= fold.settings[KIND].close_after) {
    closeFinding(fold, KIND, 'recovered')
  }
}

/**
 * NaN or ±Infinity. Without a loss scaler one is enough. A scaler overflows now and then by design: with it,
 * a streak, a share, or a scale at its minimum is needed.
 */
function seeNonfinite(fold: Fold, metric: 'grad_norm' | 'loss', value: number): void {
  const { nonfinite: own, scale, kinds } = fold.state
  const settings = fold.settings[KIND]
  startStep(fold)
  own.clean = 0
  if (own.badStep !== fold.step) {
    own.badStep = fold.step
    if (own.streak++ === 0) own.streakFrom = fold.step
    own.at.push(own.points)
    if (own.at.length > settings.amp_count) own.at.splice(0, own.at.length - settings.amp_count)
  }
  if (!settings.enabled || kinds[KIND].phase === 'firing') return
  const oldest = own.at[0] as number
  const isOften = own.at.length >= settings.amp_count && own.points - oldest < settings.amp_points
  const hasScaler = scale.seen > 0 && scale.value > settings.amp_min_scale
  if (hasScaler && own.streak < settings.amp_streak && !isOften) return
  openFinding(fold, nonfinite, own.streakFrom, {
    metric,
    value,
    streak: own.streak,
    loss_scale: scale.seen > 0 ? scale.value : null,
  })
}

/** Whether this step is new to the count. A streak ends only when a whole step went by without a bad part. */
function startStep(fold: Fold): boolean {
  const own = fold.state.nonfinite
  if (own.lastStep >= fold.step) return false
  if (own.badStep !== own.lastStep) own.streak = 0
  own.lastStep = fold.step
  own.points++
  return true
}
