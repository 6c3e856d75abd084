import type { Fold } from '../record/fold.ts'
import { recent } from '../series/ring.ts'
import type { CauseCheck, CauseRecord } from './cause.ts'
import { figure, logFigure } from './figures.ts'

/** At a hundredth of its first value, the loss has little left to give. */
const NEAR_ZERO = 0.01

/** The loss is near 0 and the norm went down with it: the training data is learned by heart, and training is over. */
export const memorised: CauseRecord = {
  title: 'The training data is memorised',
  seen: 'a positive loss whose running median is now below a hundredth of its start',
  check,
}

function check(fold: Fold): ReturnType<CauseCheck> {
  const { losses, norms, vanishing } = fold.state
  const now = fold.losses.median()
  if (losses.start === null || !losses.positive || !(now <= NEAR_ZERO * losses.start)) return undefined
  const before = vanishing.highest === null ? '' : ` from ${logFigure(vanishing.highest)}`
  return {
    weight: 0.7,
    because: `The loss fell from ${figure(losses.start)} to ${figure(now)}, and the norm went down with it${before} to ${logFigure(recent(norms.log, 0))}: little is left to learn from this data.`,
    look_at: 'The loss on held-out data; whether the run can stop here.',
  }
}
