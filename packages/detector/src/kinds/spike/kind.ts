import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const spike = {
  severity: 'info',
  title: 'Gradient norm spike',
  severityNote: 'the tenth in 1,000 points a warning',
  condition: 'a spike of the norm',
  opens:
    'robust z of log(norm) ≥ 7 against the last 128 quiet norms, and ≥ 3 × their median; outside warm-up. Or ≥ 100 × every norm before, of at least five',
  closes: 'z < 4 or < 1.5 × the median; after 20 points it is a new level, and the baseline starts again',
  causes: ['outlier_batches', 'not_unscaled', 'one_layer'],
  figures: {
    norm: 'pre-clip norm',
    baseline_median: 'baseline median',
    times_median: 'times the median',
    robust_z: 'robust z of log norm',
    baseline: 'baseline, logged points',
    spikes: 'spikes lately',
  },
  settings: {
    enabled: on,
    open_z: number(7, [2, 100], 'Seven robust deviations of log(norm): heavy tails reach 5 often, 7 rarely.'),
    close_z: number(4, [0.5, 100], 'Well below the opening bar, so that one excursion is one finding.'),
    open_factor: number(
      3,
      [1.1, 1000],
      'On a very quiet baseline a rise too small to matter is many deviations.',
    ),
    close_factor: number(1.5, [1, 1000], 'Half of the opening factor, for the same reason as close_z.'),
    above_all: number(
      100,
      [3, 1e6],
      'A norm a hundred times everything before needs no baseline of twenty: five norms are enough.',
    ),
    baseline: count(128, [20, 128], 'Long enough for a steady spread, short enough to follow the run.'),
    baseline_min: count(20, [10, 128], 'A robust spread of fewer than 20 points is off by a third or more.'),
    max_points: count(
      20,
      [1, 1000],
      'What lasts longer than 20 points is a new level and not a spike; the baseline starts again from it.',
    ),
    many: count(
      10,
      [2, 10],
      'Single spikes are everyday; ten in `many_points` are a pattern, and a warning.',
    ),
    many_points: count(1000, [10, 1_000_000], 'Ten in 1,000 points is 1 %.'),
  },
  ascending: [
    ['close_z', 'open_z'],
    ['close_factor', 'open_factor'],
    ['baseline_min', 'baseline'],
  ],
} as const satisfies FindingKindRecord
