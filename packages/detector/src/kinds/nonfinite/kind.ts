import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const nonfinite = {
  severity: 'critical',
  title: 'Non-finite norm or loss',
  condition: 'NaN or infinite readings',
  opens:
    'NaN or ±Infinity in norm or loss; with a loss scale above 1 logged: 3 points in a row, or the 11th in 1,000',
  closes: '50 finite points in a row',
  causes: ['amp_overflow', 'lr_too_high', 'outlier_batches', 'norm_growth', 'one_layer'],
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
} as const satisfies FindingKindRecord
