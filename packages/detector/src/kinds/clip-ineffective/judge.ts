import { closeFinding, openFinding } from '../findings.ts'
import type { Fold } from '../../record/fold.ts'
import { significant } from '../../series/round.ts'

const KIND = 'clip_ineffective'

/**
 * The norm *after* clipping is above the cap: the clip call does nothing, because it stands in the wrong place or is
 * given the wrong parameters. Closes after as many norms within the cap as it took to open.
 */
export function judgePostNorm(fold: Fold, postNorm: number, cap: number): void {
  const { postNorm: own, kinds } = fold.state
  const settings = fold.settings[KIND]
  if (!settings.enabled || !Number.isFinite(postNorm)) return
  const isOver = postNorm > settings.tolerance * cap
  if (isOver && own.over === 0) own.from = fold.step
  own.over = isOver ? own.over + 1 : 0
  own.within = isOver ? 0 : own.within + 1
  if (kinds[KIND].phase === 'firing') {
    if (own.within >= settings.points) closeFinding(fold, KIND, 'recovered')
  } else if (own.over >= settings.points)
    openFinding(fold, KIND, own.from, {
      points: own.over,
      post_norm: significant(postNorm, 4),
      max_norm: cap,
    })
}
