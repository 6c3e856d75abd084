import type { Clip } from '@normwatch/protocol'
import type { LogClip } from '../format.ts'
import { settingName } from './cap-keys.ts'

/** Settings beside a cap that say what it is a cap of: Lightning's, timm's, RLlib's, and those of other tools. */
export const KIND_KEYS = [
  'gradient_clip_algorithm',
  'clip_algorithm',
  'clip_mode',
  'grad_clip_mode',
  'grad_clip_by',
  'norm_type',
  'clip_norm_type',
  'grad_norm_type',
] as const
const KINDS: ReadonlySet<string> = new Set(KIND_KEYS)

/** A setting of this sort, such as `clip_mode` with `agc`. */
export interface ClipKind {
  readonly key: string
  readonly value: string
}

const OF_GLOBAL_NORM = /^(?:|(?:global_)?norm|global|l2|2(?:\.0*)?|none|null)$/i
const OF_VALUE = /(?:^|\.)value$/i
/** Model configurations have a norm_type too: that of a layer, which is a word. */
const NORM_ORDER = /^(?:\d+(?:\.\d*)?|inf)$/i

/** The setting of this sort that a name and its value are, if they are one. */
export function clipKind(name: string, value: unknown): ClipKind | undefined {
  const key = settingName(name)
  if (!KINDS.has(key) || (typeof value !== 'string' && typeof value !== 'number')) return undefined
  const text = String(value)
  return key.endsWith('norm_type') && !NORM_ORDER.test(text) ? undefined : { key, value: text }
}

/** How a run clips by a printed cap and what stands beside it. */
export function clipByKind(cap: number, kind: ClipKind | undefined): LogClip {
  const clip = clipOf(cap)
  if (clip.mode === 'none' || kind === undefined) return clip
  if (OF_VALUE.test(kind.value)) return { mode: 'value', clip_value: cap }
  const isOfEachTensor = kind.key === 'grad_clip_by' && kind.value === 'norm'
  if (OF_GLOBAL_NORM.test(kind.value) && !isOfEachTensor) return clip
  return { mode: 'other', by: `${kind.key} ${kind.value}` }
}

/** What is said of a cap that is none of the norm. */
export function otherClipNote(by: string, foundIn: string): string {
  return `${foundIn} is no cap of the gradient’s L2 norm, as it stands with ${by}: clipping is not judged.`
}

/** How a run clips by a printed cap: 0, a negative one, None and inf switch clipping off. */
export function clipOf(cap: number): Clip {
  return cap > 0 && Number.isFinite(cap) ? { mode: 'norm', max_norm: cap } : { mode: 'none' }
}
