import type { Fold } from '../record/fold.ts'
import { ZERO } from '../series/log-scale.ts'
import { lastOf, recent } from '../series/ring.ts'
import { figure, percent, scaleFigure } from './figures.ts'
import { windowNorms } from './trends.ts'
import { median } from '../series/statistics.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** A share of zero gradients that has grown by a tenth of all elements. */
const RISEN = 0.1
/** Three halvings in a row without an increase. */
const COLLAPSED = 8

/** Gradients too small for half precision: zeros in the norm though there is a loss, more and more zero elements. */
export const ampUnderflow: CauseRecord = {
  title: 'Mixed-precision underflow',
  seen: 'norms of exactly 0 with a loss, a share of zero gradients risen by 10 points, a loss scale down to an eighth',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { zeros, losses, scale } = fold.state
  const evidence: string[] = []
  let weight = 0
  const norms = windowNorms(fold)
  const zeroNorms = norms.filter((log) => log === ZERO).length
  const loss = losses.values.values.length > 0 ? recent(losses.values, 0) : 0
  if (zeroNorms > 0 && loss > 0) {
    weight += 0.3
    evidence.push(
      `${zeroNorms} of the last ${norms.length} norms are exactly 0 while the loss is ${figure(loss)}`,
    )
  }
  const now = median(lastOf(zeros.recent, zeros.recent.values.length))
  if (now - zeros.first >= RISEN) {
    weight += 0.4
    evidence.push(`the share of zero gradients rose from ${percent(zeros.first)} to ${percent(now)}`)
  }
  const highest = Math.max(...scale.changes.map(({ to }) => to))
  if (scale.value > 0 && highest >= COLLAPSED * scale.value) {
    weight += 0.2
    evidence.push(`the loss scale fell from ${scaleFigure(highest)} to ${scaleFigure(scale.value)}`)
  }
  // A scale alone falls for other reasons too.
  if (weight <= 0.2) return undefined
  return {
    weight,
    because: `${evidence.join('; ')}.`,
    look_at: 'The same run in bfloat16 or float32 for some hundred steps; the loss scale and what lowers it.',
  }
}
