import { findLevelChange } from '../series/change-point.ts'
import { toLog } from '../series/log-scale.ts'
import { lastRepeats } from '../series/repeats.ts'
import { lastOf } from '../series/ring.ts'
import { capInForce } from './clips.ts'
import type { Fold } from './fold.ts'
import { KEPT, type DetectorState } from './state.ts'

/**
 * The step at which the norm began to leave its earlier level, found on the newest 200 norms; `null` where no change
 * stands out there. If the run was clipped like this from the start, the onset is its first step, if that is still kept.
 */
export function onsetOfNorm(fold: Fold, direction: 'up' | 'either'): number | null {
  const { norms } = fold.state
  const values = lastOf(norms.log, KEPT)
  const steps = stepsOf(norms, values.length)
  const first = norms.seen <= KEPT ? (steps[0] ?? null) : null
  const change = findLevelChange(values)
  if (direction === 'either') return change === undefined ? null : (steps[change.start] ?? null)
  if (change === undefined || change.by < 0) return first
  const cap = toLog(capInForce(fold) ?? Infinity)
  const before = values.slice(0, change.start)
  const isOld =
    before.filter((log) => log > cap).length >= fold.settings.clip_saturated.open_rate * before.length
  return isOld ? first : (steps[change.start] ?? null)
}

/** The step of each of the newest `count` norms, oldest first; `null` where it is not known any more. */
function stepsOf({ lastStep, gaps }: DetectorState['norms'], count: number): (number | null)[] {
  let step: number | null = lastStep
  const steps: (number | null)[] = [step]
  const newestFirst = lastRepeats(gaps, count - 1).reverse()
  for (let i = 0; i < count - 1; i++) {
    const gap = newestFirst[i] ?? 0
    step = step === null || gap === 0 ? null : step - gap
    steps.push(step)
  }
  return steps.reverse()
}
