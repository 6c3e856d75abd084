import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const clipRegimeChange = {
  severity: 'info',
  title: 'Clipping changed its regime',
  condition: 'the clipping regime changed',
  opens:
    'clip rate differs by ≥ 0.4 from the norms before, or the median norm by a factor ≥ 4; outside warm-up. “The norms before” then begin anew',
  closes: 'at once',
  causes: ['lr_too_high', 'not_unscaled', 'norm_growth', 'one_layer', 'amp_underflow'],
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
} as const satisfies FindingKindRecord
