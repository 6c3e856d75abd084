import type { Surroundings } from '@normwatch/detector'
import { pauses } from '../in-slices.ts'
import type { Store, StoredRun } from '../storage/store.ts'

/** Points read on either side of a step, to find what moved there. */
const POINTS_BEFORE = 500
const POINTS_AFTER = 150

/** Average steps between two points of a run. */
export const intervalOf = ({ last_step, points }: Pick<StoredRun, 'last_step' | 'points'>): number =>
  Math.max(1, Math.ceil(((last_step ?? 0) + 1) / Math.max(1, points)))

/** The record around a step in one piece; at least `width` steps on either side. Throws `RunNotFound`. */
export async function surroundings(
  store: Store,
  run: StoredRun,
  around: number,
  width = 0,
): Promise<Surroundings> {
  const interval = intervalOf(run)
  return read(store, run.id, {
    from: Math.max(0, around - Math.max(width, POINTS_BEFORE * interval)),
    to: Math.min(Number.MAX_SAFE_INTEGER, around + Math.max(width, POINTS_AFTER * interval)),
  })
}

async function read(
  store: Store,
  id: string,
  range: { readonly from: number; readonly to: number },
): Promise<Surroundings> {
  const pause = pauses()
  const blocks = []
  for await (const block of store.points.read(id, range)) {
    blocks.push(block)
    await pause()
  }
  const length = blocks.reduce((sum, { step }) => sum + step.length, 0)
  const step = new Float64Array(length)
  const metrics = new Map<string, { values: Float64Array; present: Uint8Array }>()
  let at = 0
  for (const block of blocks) {
    step.set(block.step, at)
    for (const [metric, { values, present }] of block.metrics) {
      let column = metrics.get(metric)
      if (column === undefined) {
        column = { values: new Float64Array(length), present: new Uint8Array(length) }
        metrics.set(metric, column)
      }
      column.values.set(values, at)
      if (present === null) column.present.fill(1, at, at + values.length)
      else column.present.set(present, at)
    }
    at += block.step.length
    await pause()
  }
  return { step, metrics }
}
