import type { Fold } from '../fold.ts'
import { significant } from '../round.ts'

const KIND = 'looks_post_clip'

/** Nearly all norms lie on the cap: what is logged is the norm *after* clipping, so nothing can be said of clipping. */
export function judgeOnCap(fold: Fold, norm: number, cap: number): void {
  const { offCap: own, kinds } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled) return
  own.seen++
  const { points } = settings
  // Remembering the places of the newest norms off the cap is enough to know their number among the last `points`.
  const most = Math.floor(points * (1 - settings.close_share)) + 1
  if (Math.abs(norm - cap) > settings.tolerance * cap) {
    own.at.push(own.seen)
    if (own.at.length > most) own.at.shift()
  }
  let off = 0
  for (let i = own.at.length - 1; i >= 0 && own.seen - (own.at[i] as number) < points; i--) off++
  if (kinds[KIND].phase === 'firing') {
    if (off >= most) fold.close(KIND, 'recovered')
  } else if (own.seen >= points && off <= points * (1 - settings.share) + 1e-9)
    fold.open(KIND, 'info', {
      points,
      on_cap: points - off,
      share: significant(1 - off / points, 4),
      max_norm: cap,
    })
}
