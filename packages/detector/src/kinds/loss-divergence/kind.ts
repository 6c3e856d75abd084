import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const lossDivergence = {
  severity: 'critical',
  title: 'Loss diverging',
  condition: 'the loss is diverging',
  opens: 'see below',
  closes: 'back within',
  causes: ['lr_too_high', 'not_unscaled', 'outlier_batches', 'norm_growth', 'one_layer'],
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
} as const satisfies FindingKindRecord
