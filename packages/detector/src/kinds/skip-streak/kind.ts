import { count, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const skipStreak = {
  severity: 'warning',
  title: 'Optimiser steps skipped',
  condition: 'the optimiser keeps skipping steps',
  opens: '5 reported steps skipped in a row',
  closes: '20 taken in a row',
  causes: ['amp_overflow'],
  figures: {
    streak: 'points in a row',
    skipped_in_all: 'skipped in all',
  },
  settings: {
    enabled: on,
    open_after: count(
      5,
      [1, 1000],
      'Five halvings in a row take a scale down by 32: the scaler is not finding its level.',
    ),
    close_after: count(20, [1, 10_000], 'Twenty taken steps show that it has.'),
  },
} as const satisfies FindingKindRecord
