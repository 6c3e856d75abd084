import { count, number, on } from '../../settings/define.ts'
import type { FindingKindRecord } from '../finding-kind.ts'

export const vanishing = {
  severity: 'warning',
  title: 'Vanishing gradient',
  condition: 'the gradient is vanishing',
  opens:
    'norm < 1e-7, or < 1e-3 × the highest median of an earlier window (or of the first five norms), or exactly 0 with loss ≠ 0, for 20 points',
  closes: '20 points without',
  causes: ['amp_underflow', 'memorised'],
  figures: {
    norm: 'pre-clip norm',
    highest_median: 'highest median so far',
  },
  settings: {
    enabled: on,
    absolute: number(1e-7, [0, 1], 'About the resolution of float32 relative to weights of size 1.'),
    relative: number(
      1e-3,
      [0, 1],
      'A thousandth of the highest median an earlier window had: far below what learning alone explains.',
    ),
    points: count(20, [1, 10_000], 'A window that can be judged: shorter dips happen.'),
  },
} as const satisfies FindingKindRecord
