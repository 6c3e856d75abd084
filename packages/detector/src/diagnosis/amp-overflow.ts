import type { Fold } from '../record/fold.ts'
import { scaleFigure } from './figures.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'

/** Activations or gradients too large for half precision: the scaler skips and halves, step after step. */
export const ampOverflow: CauseRecord = {
  title: 'Mixed-precision overflow',
  seen: 'at least two of: non-finite points in a row, skipped steps in a row, the loss scale halved each time',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { scale, skips, nonfinite } = fold.state
  if (scale.seen === 0) return undefined
  const halvings = halvingsInARow(scale.changes.map(({ to }) => to))
  const evidence: string[] = []
  let weight = 0
  if (nonfinite.streak > 0) {
    weight += 0.2
    evidence.push(
      nonfinite.streak === 1
        ? 'the newest point is not finite'
        : `${nonfinite.streak} points in a row are not finite`,
    )
  }
  if (skips.streak > 0) {
    weight += 0.2
    evidence.push(
      `the optimiser skipped the last ${skips.streak === 1 ? 'reported step' : `${skips.streak} reported steps`}`,
    )
  }
  if (halvings > 0) {
    weight += Math.min(0.4, 0.1 * halvings)
    const from = scale.changes.at(-1 - halvings)?.to as number
    evidence.push(
      `the loss scale was lowered ${halvings === 1 ? 'once' : `${halvings} times in a row`}, from ${scaleFigure(from)} to ${scaleFigure(scale.value)}`,
    )
  }
  if (evidence.length < 2) return undefined
  return {
    weight,
    because: `${evidence.join('; ')}.`,
    look_at:
      'The first step that overflowed and its batch; the largest activations; the same steps in bfloat16.',
  }
}

/** How many of the newest changes each lowered the scale to a half or less. */
function halvingsInARow(scales: readonly number[]): number {
  let count = 0
  for (let i = scales.length - 1; i > 0 && (scales[i] as number) <= (scales[i - 1] as number) / 2; i--)
    count++
  return count
}
