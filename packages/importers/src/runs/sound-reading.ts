import { LAYER_PREFIX } from '@normwatch/protocol'
import type { ReadOptions } from '../format.ts'
import { normNameOf } from './norm-name.ts'

/** What a metric measures, as far as that limits its values. */
export type Measure = 'norm' | 'cap' | 'other'

export const NEGATIVE_NORMS =
  'A gradient norm cannot be negative: such a reading is taken for NaN, for which DeepSpeed and others write -1.'

export function measureOf(name: string, { map = {}, norm, postClip }: ReadOptions): Measure {
  const asked = Object.entries(map).find(([, theirs]) => theirs === name)?.[0]
  const ours = asked ?? (name === norm ? 'grad_norm' : name === postClip ? 'post_norm' : name)
  const role = normNameOf(ours)?.role
  if (role === 'cap') return 'cap'
  return ours.startsWith(LAYER_PREFIX) || (role !== undefined && role !== 'statistic') ? 'norm' : 'other'
}

/** A cap of a step as the server takes it: 0 and negative ones stand for no cap. `undefined` for a NaN, which says nothing. */
export function soundCap(value: number): number | undefined {
  if (Number.isNaN(value)) return undefined
  return value > 0 ? value : Infinity
}
