import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const clipIneffective = {
  severity: 'warning',
  title: 'Clipping has no effect',
  condition: 'the clip call has no effect',
  opens: 'the norm after clipping above 1.01 × cap 5 times in a row (clipping by norm only)',
  closes: '5 times within',
  causes: [],
  figures: {
    post_norm: 'post-clip norm',
    max_norm: 'cap',
  },
  settings: {
    enabled: on,
    tolerance: number(
      1.01,
      [1, 10],
      'Room for the rounding of half precision and of the 1e-6 in the coefficient.',
    ),
    points: count(5, [1, 1000], 'Five in a row are not rounding.'),
  },
} as const satisfies FindingKindRecord
