import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, dropPending, openFinding, pend } from './findings.ts'
import type { Evidence } from '../contract.ts'
import type { Fold } from '../record/fold.ts'
import { lossNoise } from '../record/losses.ts'
import { significant } from '../series/round.ts'

const KIND = 'loss_divergence'

export const lossDivergence = {
  name: KIND,
  severity: 'critical',
  title: 'Loss diverging',
  condition: 'the loss is diverging',
  opens: 'see below',
  closes: 'back within',
  causes: [
    'lr_too_high',
    'not_unscaled',
    'outlier_batches',
    'norm_growth',
    'one_layer',
    'inputs_changed',
    'noted_event',
  ],
  figures: {
    window: 'window, logged points',
    loss: 'running median of the loss',
    lowest: 'lowest median so far',
    start: 'loss at the start',
    noise: 'noise of the loss',
  },
  settings: {
    enabled: on,
    window_share: number(
      0.05,
      [0.01, 0.5],
      'A twentieth of the record, as the loss is noisier than its trend is quick.',
    ),
    window_min: count(5, [3, 200], 'The shortest median that two outliers cannot move.'),
    window_max: count(200, [5, 200], 'As long as the longest window of norms.'),
    fall: number(0.2, [0.01, 1], 'Giving back means something only after the loss has fallen by a fifth.'),
    give_back: number(0.5, [0.05, 1], 'Half of all that was learned.'),
    rise: number(0.1, [0.01, 10], 'Above where it started: the run is worse than untrained.'),
    noise: number(3, [0, 100], 'Three robust deviations of the loss from point to point.'),
    hold: number(0.2, [0, 2], 'Still so a fifth of the window later.'),
    hold_min: count(5, [1, 200], 'At least as long as the shortest running median.'),
  },
  ascending: [['window_min', 'window_max']],
  judges: { loss: judgeDivergence, end: judgeDivergenceAtEnd },
  memory: () => ({ divergence: { held: 0 } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly loss_divergence: SettingsOf<typeof lossDivergence.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly divergence: { held: number }
  }
}

/**
 * The loss has turned: it gave back half of a real fall, or stands above where it started. Only for a loss that has
 * been positive throughout: those of policy gradients change sign, and have no level to come back to.
 */
function judgeDivergence(fold: Fold): void {
  const { losses, kinds, divergence } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || losses.size < settings.window_min) return
  if (kinds[KIND].phase === 'inactive' && isSurelyFine(fold)) {
    divergence.held = 0
    return
  }
  const median = fold.losses.median()
  if (losses.start === null) {
    losses.start = median
    losses.lowest = median
  }
  if (median < losses.lowest) losses.lowest = median
  const excess = losses.positive ? excessOf(fold, median) : 0
  if (kinds[KIND].phase === 'firing') {
    if (excess <= 0) closeFinding(fold, KIND, 'recovered')
    return
  }
  if (!(excess > 0 && excess > settings.noise * lossNoise(fold))) {
    divergence.held = 0
    return dropPending(kinds[KIND])
  }
  pend(fold, KIND, losses.seen)
  divergence.held++
  if (divergence.held >= Math.max(settings.hold_min, Math.ceil(losses.size * settings.hold)))
    openFinding(fold, lossDivergence, kinds[KIND].since, divergenceEvidence(fold, median))
}

/** Whether what bounds the median says that it is not the lowest yet and not above what it is judged by. */
function isSurelyFine(fold: Fold): boolean {
  const { start, lowest, positive } = fold.state.losses
  return (
    start !== null &&
    fold.losses.medianAtLeast() >= lowest &&
    !(positive && excessOf(fold, fold.losses.medianAtMost()) > 0)
  )
}

/** At the end of a run nothing more will come: what holds is judged at once. */
function judgeDivergenceAtEnd(fold: Fold): void {
  const { kinds, losses } = fold.state
  if (kinds[KIND].phase !== 'pending' || losses.seen < fold.settings.window.judge_at_end_from) return
  openFinding(fold, lossDivergence, kinds[KIND].since, divergenceEvidence(fold, fold.losses.median()))
}

/** How far the loss stands above what it is judged by: its lowest after giving back, or its start; 0 when neither holds. */
function excessOf(fold: Fold, median: number): number {
  const { start, lowest } = fold.state.losses as { start: number; lowest: number }
  const settings = fold.settings[KIND]
  const fall = start - lowest
  const hasGivenBack = fall >= settings.fall * start && median - lowest >= settings.give_back * fall
  if (hasGivenBack) return median - lowest
  return median > (1 + settings.rise) * start ? median - start : 0
}

function divergenceEvidence(fold: Fold, median: number): Evidence {
  const { losses } = fold.state
  return {
    window: losses.size,
    loss: significant(median, 4),
    lowest: significant(losses.lowest, 4),
    start: significant(losses.start as number, 4),
    noise: significant(lossNoise(fold), 4),
  }
}
