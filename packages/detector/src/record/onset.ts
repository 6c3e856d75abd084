import { findLevelChange } from '../series/change-point.ts'
import { toLog } from '../series/log-scale.ts'
import { lastOf } from '../series/ring.ts'
import { capInForce } from './clips.ts'
import type { Fold } from './fold.ts'
import { KEPT } from './state.ts'

/**
 * The step at which the norm began to leave its earlier level, found on the newest 200 norms; `null` where no change
 * stands out there. A run that was this clipped all along began so with its first step, if that is still kept.
 */
export function onsetOfNorm(fold: Fold, direction: 'up' | 'either'): number | null {
  const { norms } = fold.state
  const values = lastOf(norms.log, KEPT)
  const steps = lastOf(norms.steps, KEPT)
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
