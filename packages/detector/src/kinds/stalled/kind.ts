import { number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const stalled = {
  severity: 'warning',
  title: 'Run silent',
  condition: 'no points are arriving',
  opens: 'silent for 60 s and for 10 × the median time between its readings',
  closes: 'any reading',
  causes: [],
  figures: {
    silent_seconds: 'silent for, s',
    allowed_seconds: 'silence allowed, s',
    median_interval: 'median step time, s',
  },
  settings: {
    enabled: on,
    min_seconds: number(60, [1, 86_400], 'Shorter silences are checkpoints, evaluations and slow networks.'),
    intervals: number(
      10,
      [1, 1000],
      'Ten times its own rhythm: a run that logs every minute is silent after ten.',
    ),
  },
} as const satisfies FindingKindRecord
