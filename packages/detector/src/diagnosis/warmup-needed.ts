import type { Fold } from '../record/fold.ts'
import { fromLog, logFactor } from '../series/log-scale.ts'
import { figure, logFigure, percent } from './figures.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** Clipping from the first steps on is what a start at full lr looks like; later it has other causes. */
const EARLY_SHARE = 0.8
const FALLS = logFactor(0.8)

/** Clipped from the first steps, where lr already stood at its highest, and the norm falls as training goes on. */
export const warmupNeeded: CauseRecord = {
  title: 'Warm-up needed',
  seen: '80% of the first 25 points clipped, no rising lr, and the norm now below 0.8 × that of the first ten',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { clips, norms, lr } = fold.state
  const early = Math.min(clips.seen, fold.settings.window.min)
  if (lr.rose || norms.first === null || early === 0) return undefined
  const earlyShare = clips.firstClipped / early
  const start = norms.first
  const now = fold.window.median()
  if (earlyShare < EARLY_SHARE || now - start >= FALLS) return undefined
  const schedule =
    lr.seen > 0
      ? `lr stood at its highest, ${logFigure(lr.max)}, from the first reading on`
      : 'no rising lr was seen (lr is not logged)'
  return {
    weight: lr.seen > 0 ? 0.6 : 0.4,
    because: `${percent(earlyShare)} of the first ${early} points were clipped; ${schedule}; the median norm has fallen from ${logFigure(start)} to ${figure(fromLog(now))} since.`,
    look_at: 'A run with a warm-up of lr, compared on the loss of the first steps.',
  }
}
