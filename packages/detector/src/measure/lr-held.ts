import { has } from '../series/columns.ts'
import { heldBefore } from '../series/held.ts'
import type { Surroundings } from './moved.ts'

/** Changes of lr by less than this factor do not count. */
const SAME = 1.05

/**
 * How many readings before the onset lr was already as high as from there on: 0 if it rose with the onset, or is not
 * logged. `part`: whose lr; where it has none of its own, the run's.
 */
export function readingsAtLr(
  { step, metrics }: Surroundings,
  onset: number,
  part: string | null = null,
): number {
  const column = (part === null ? undefined : metrics.get(`lr/${part}`)) ?? metrics.get('lr')
  const values: number[] = []
  let before = 0
  for (let i = 0; i < step.length; i++) {
    if (!has(column, i) || !Number.isFinite(column.values[i])) continue
    values.push(column.values[i] as number)
    if ((step[i] as number) < onset) before++
  }
  return heldBefore(values, before, SAME)
}
