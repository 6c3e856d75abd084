import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'
import { clippedAbove } from '../../record/clipped-step.ts'
import { push, recent, type Ring } from '../../series/ring.ts'
import { significant } from '../../series/round.ts'

const KIND = 'looks_post_clip'

/** Nearly all norms lie on the cap: what is logged is the norm *after* clipping, so nothing can be said of clipping. */
export function judgeOnCap(fold: Fold, norm: number, cap: number): void {
  const { offCap: own, kinds } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || !Number.isFinite(cap)) return
  own.seen++
  const { points } = settings
  // The places of the newest norms off the cap tell whether more than so many are among the last `points`.
  const closing = offAllowed(points, settings.close_share) + 1
  if (Math.abs(norm - cap) > settings.tolerance * cap) push(own.off, closing, own.seen)
  const bar = clippedAbove(cap)
  if (norm > bar) own.above = own.seen
  else if (norm >= 2 * cap - bar) push(own.equal, settings.pile, own.seen)
  if (kinds[KIND].phase === 'firing') {
    if (isWithin(own.off, closing, own.seen, points) && !isPile(fold)) closeFinding(fold, KIND, 'recovered')
    return
  }
  const opening = offAllowed(points, settings.share)
  if (own.seen < points) return
  if (isWithin(own.off, opening + 1, own.seen, points) && !isPile(fold)) return
  let off = 0
  while (isWithin(own.off, off + 1, own.seen, points)) off++
  openFinding(fold, KIND, null, {
    points,
    // More than that many off the cap are not counted.
    on_cap: off < closing ? points - off : null,
    share: off < closing ? significant(1 - off / points, 4) : null,
    equal_to_cap: own.equal.values.filter((at) => own.seen - at < points).length,
    max_norm: cap,
  })
}

/** Many norms equal to the cap and none above it: whatever their share, norms before clipping do not stop at the cap. */
function isPile(fold: Fold): boolean {
  const { offCap: own } = fold.state
  const { points, pile } = fold.settings[KIND]
  return isWithin(own.equal, pile, own.seen, points) && own.seen - own.above >= points
}

function offAllowed(points: number, share: number): number {
  return Math.floor(points * (1 - share) + 1e-9)
}

/** Whether the `count` newest places all lie among the last `points` of `seen`. */
function isWithin(places: Ring, count: number, seen: number, points: number): boolean {
  return places.values.length >= count && seen - recent(places, count - 1) < points
}
