import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const looksPostClip = {
  severity: 'info',
  title: 'Logged norm looks post-clip',
  condition: 'the norm logged looks post-clip',
  opens:
    '95 of 100 norms within 0.1% of the cap; or 20 of 100 equal to it up to the rounding of float32, and none above',
  closes: 'fewer than 80, and no such pile',
  causes: [],
  figures: {
    on_cap: 'points on the cap',
    equal_to_cap: 'norms equal to the cap, counted up to',
    max_norm: 'cap',
    share: 'share on the cap',
  },
  settings: {
    enabled: on,
    points: count(100, [20, 100], 'Enough that norms lying on the cap by chance cannot do it.'),
    share: number(0.95, [0.5, 1], 'A few norms below the cap are what a clipped run shows.'),
    close_share: number(0.8, [0.7, 1], 'Lower than the opening share.'),
    tolerance: number(
      0.001,
      [0, 0.1],
      'min(norm, cap) is the cap up to rounding; pre-clip norms are never that steady.',
    ),
    pile: count(
      20,
      [5, 100],
      'One norm in five equal to the cap to the last digit of float32, with none above it: chance does not do that.',
    ),
  },
  ascending: [['close_share', 'share']],
} as const satisfies FindingKindRecord
