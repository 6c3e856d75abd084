import type { Fold } from './fold.ts'
import { restartBaseline } from './baseline.ts'
import { restartReference } from './norms.ts'
import { KEPT } from './state.ts'
import { recent, type Ring } from '../series/ring.ts'
import { selectMiddle } from '../series/statistics.ts'

/**
 * Whether the run is still warming up: norms fall through warm-up, so nothing is measured against them. Judged from the
 * first full window on; it ends once and does not come back (a norm that falls after a later explosion is not warming up).
 */
export function judgeWarmUp(fold: Fold): void {
  const { warmUp, norms, clips, lr } = fold.state
  if (warmUp.phase === 'over') return
  const points = Math.max(norms.seen, clips.seen)
  // One look a point, though a norm and a clipped fraction of one step may both ask.
  if (points === warmUp.at) return
  warmUp.at = points
  warmUp.start ??= fold.step
  const { window, warm_up: settings } = fold.settings
  if (points < window.judge_from) return
  if (lr.seen > 0 ? lr.sinceMax < settings.lr_points : isSettling(fold)) {
    warmUp.phase = 'on'
    warmUp.steady = 0
  } else if (warmUp.steady++ === 0) warmUp.overAt = clips.seen
  // Medians of a dozen norms are noisy: without lr, one steady look is not enough.
  const enough = lr.seen > 0 ? 1 : Math.ceil(norms.size * settings.hold)
  const isTooLong =
    points >= settings.max_points ||
    (lr.seen === 0 && points >= window.min && fold.step - warmUp.start >= settings.max_steps)
  if (warmUp.steady < enough && !isTooLong) return
  // A constant lr, or norms that were steady from the start, mean that there was none: the norms since then count.
  const was = lr.seen > 0 ? lr.rose : warmUp.phase === 'on'
  warmUp.phase = 'over'
  if (!was) return
  restartReference(fold)
  restartBaseline(fold)
}

/** Whether the newer half of the norms that are kept, up to the last 200, lies below the older half. */
function isSettling(fold: Fold): boolean {
  const { log } = fold.state.norms
  const half = log.values.length >> 1
  if (half === 0) return false
  return medianOf(log, 0, half) - medianOf(log, log.values.length - half, half) < fold.thresholds.settling
}

const scratch = new Float64Array(KEPT)

/** The median of `count` norms, the newest of them `age` places before the newest of all. */
function medianOf(log: Ring, age: number, count: number): number {
  for (let i = 0; i < count; i++) scratch[i] = recent(log, age + i)
  const high = selectMiddle(scratch, count)
  if (count % 2 === 1) return high
  // Those before the middle are not larger now.
  let low = -Infinity
  for (let i = 0; i < count >> 1; i++) low = Math.max(low, scratch[i] as number)
  return (low + high) / 2
}
