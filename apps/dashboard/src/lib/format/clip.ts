import type { Clip } from '@normwatch/protocol'
import { figure } from '#lib/format/number.ts'

/** How a run clips, in the words of the cap column: `norm ≤ 1`, `value ± 0.5`, `log only`. */
export function clipWords(clip: Clip): string {
  if (clip.mode === 'norm') return `norm ≤ ${figure(clip.max_norm)}`
  if (clip.mode === 'value') return `value ± ${figure(clip.clip_value)}`
  return clip.max_norm == null ? 'log only' : `log only, reference ${figure(clip.max_norm)}`
}

/** The cap that the norm is drawn against, or `null` where the norm has none. */
export function capOfNorm(clip: Clip): number | null {
  return clip.mode === 'value' ? null : (clip.max_norm ?? null)
}

/** What a clipped step is in this run, in one sentence: nothing is clipped in a run that only logs. */
export function clippedMeans(clip: Clip): string {
  if (clip.mode === 'norm')
    return `a step counts as clipped when its pre-clip norm exceeds ${figure(clip.max_norm)}`
  if (clip.mode === 'value')
    return 'a step counts as clipped when its share of clamped elements reaches the threshold'
  if (clip.max_norm == null) return 'nothing is clipped and there is no reference cap'
  return `nothing is clipped; a step counts as over when its norm exceeds the reference cap ${figure(clip.max_norm)}`
}
