import { count, number, on, type SettingsOf } from '../settings/define.ts'
import type { FindingKindRecord } from './finding-kind.ts'
import { closeFinding, dropPending, openFinding, pend } from './findings.ts'
import type { Fold } from '../record/fold.ts'
import { fromLog, ZERO } from '../series/log-scale.ts'
import { BLOCK } from '../record/state.ts'
import { recent } from '../series/ring.ts'
import { significant } from '../series/round.ts'

const KIND = 'vanishing'

export const vanishing = {
  name: KIND,
  severity: 'warning',
  title: 'Vanishing gradient',
  condition: 'the gradient is vanishing',
  opens:
    'norm < 1e-7, or < 1e-3 × the highest median of an earlier window (or of the first five norms), or exactly 0 with loss ≠ 0, for 20 points',
  closes: '20 points without',
  causes: ['amp_underflow', 'memorised', 'inputs_changed', 'noted_event'],
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
  judges: { norm: judgeNorm },
  memory: () => ({ vanishing: { low: 0, normal: 0, highest: null } }),
} as const satisfies FindingKindRecord

declare module '../settings/settings.ts' {
  interface Sections {
    readonly vanishing: SettingsOf<typeof vanishing.settings>
  }
}

declare module '../record/state.ts' {
  interface KindMemories {
    readonly vanishing: { low: number; normal: number; highest: number | null }
  }
}

function judgeNorm(fold: Fold, log: number, loss: number | undefined): void {
  judgeVanishing(fold, log, loss)
  rememberHighest(fold)
}

/** The norm has almost vanished: below an absolute floor, far below the run's own past, or exactly 0. */
function judgeVanishing(fold: Fold, log: number, loss = newestLoss(fold)): void {
  const { vanishing: own, kinds, norms } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled) return
  const isZero = log === ZERO
  const isLow = isZero
    ? loss !== 0
    : log < fold.thresholds.vanished ||
      (own.highest !== null && log < own.highest + fold.thresholds.vanishedRelative)
  own.low = isLow ? own.low + 1 : 0
  own.normal = isLow ? 0 : own.normal + 1
  if (kinds[KIND].phase === 'firing') {
    if (own.normal >= settings.points) closeFinding(fold, KIND, 'recovered')
  } else if (!isLow) dropPending(kinds[KIND])
  else {
    pend(fold, KIND, norms.seen)
    if (own.low >= settings.points)
      openFinding(fold, vanishing, kinds[KIND].since, {
        points: own.low,
        norm: significant(fromLog(log), 4),
        highest_median: own.highest === null ? null : significant(fromLog(own.highest), 4),
      })
  }
}

/** The newest loss that is finite: that of this step may come in another part. */
function newestLoss({ state }: Fold): number | undefined {
  const { values } = state.losses
  return values.values.length > 0 ? recent(values, 0) : undefined
}

/**
 * Remembers the highest median that a window had outside warm-up, once it holds enough to be judged. The first five
 * norms count at once: a sparse log may have no more before the fall.
 */
function rememberHighest(fold: Fold): void {
  const { vanishing: own, norms, warmUp } = fold.state
  const isFull = norms.size >= fold.settings.window.judge_from && warmUp.phase !== 'on'
  if (!isFull && norms.seen !== BLOCK) return
  if (own.highest !== null && fold.window.medianAtMost() <= own.highest) return
  const median = fold.window.median()
  if (own.highest === null || median > own.highest) own.highest = median
}
