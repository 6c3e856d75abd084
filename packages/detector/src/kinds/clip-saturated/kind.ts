import { number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const clipSaturated = {
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
      7,
      [0, 20],
      'Norms that remember the ones before stay above the cap for long by chance: seven times the points that are worth one independent point leave few such excursions.',
    ),
    reopen: number(
      1,
      [0, 10],
      'Each time it opens again it must have held for one more window: a run that hovers at the bar is told a few times, not all day.',
    ),
  },
  ascending: [['close_rate', 'open_rate']],
} as const satisfies FindingKindRecord
