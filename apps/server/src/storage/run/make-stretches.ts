import { othersTurns } from '../../in-slices.ts'
import { endOf } from '../leaf/dyadic.ts'
import type { CachedRun } from './cached-run.ts'
import { leafFrom, steadyDirectory, wholeLeaves, type WholeLeaves } from './read-blocks.ts'
import type { RunTables, RunUnits } from './run-tables.ts'
import type { Measured } from './stretches.ts'
import type { PackedReadings, Unpacker } from './unpacker.ts'

/** Steps of a stretch, at the least: the last page of its leaves may have more. */
const STEPS_A_STRETCH = 2 ** 18
/** Bytes of leaves with which a stretch ends, whatever its steps: they are handed to a thread together. */
const MOST_BYTES = 4 * 1024 * 1024
/** Steps of a stretch between two others, at the least; fewer are read from their leaves. */
const LEAST_STEPS = 2 ** 15

/** Leaves that follow each other, gathered page by page. */
interface Gathered {
  readonly start: number
  next: number
  points: number
  bytes: number
  readonly pages: PackedReadings[]
}

/**
 * Stores what all stretches of the run hold of its norms and its losses, and of those of its parts, where that is not stored yet.
 * Leaves may be written meanwhile. Throws `RunNotFound`, `DamagedPoints`.
 */
export async function makeStretches(units: RunUnits, run: string, unpacker: Unpacker): Promise<void> {
  const streams = await units.read(run, (_, cache) => cache.open(run).streams)
  for (const { gradNorm, loss } of streams) {
    if (gradNorm !== undefined) await makeOf(gradNorm, 'norms', units, run, unpacker)
    if (loss !== undefined) await makeOf(loss, 'losses', units, run, unpacker)
  }
}

async function makeOf(
  metric: number,
  kind: Measured,
  units: RunUnits,
  run: string,
  unpacker: Unpacker,
): Promise<void> {
  let gathered: Gathered | undefined
  let isTouched = false
  const unwatch = units.watchLeaves(run, (start) => {
    if (gathered === undefined) return
    if (start === undefined || (start >= gathered.start && start < gathered.next)) isTouched = true
  })
  const keep = async ({ start, next, pages }: Gathered): Promise<void> => {
    const blobs = await unpacker.measure({ pages, kind })
    if (blobs === undefined) return
    await units.write(run, (tables, cache) => {
      if (!isTouched) tables.stretches.save(cache.open(run).row.key, metric, { start, next }, blobs)
    })
  }
  try {
    for (let step = 0; ;) {
      const found = await units.read(run, (tables, cache) => nextOf(tables, cache.open(run), metric, step))
      if (found === undefined) return
      const page = 'packed' in found ? found : undefined
      if (page !== undefined) {
        gathered ??= { start: page.start, next: page.next, points: 0, bytes: 0, pages: [] }
        gathered.next = page.next
        gathered.points += page.points
        gathered.bytes += page.packed.blobs.reduce((sum, blob) => sum + blob.length, 0)
        gathered.pages.push(page.packed)
      }
      const isHole = 'isStored' in found && found.isStored
      const { points, bytes } = gathered ?? { points: 0, bytes: 0 }
      const isEnough = points >= (isHole ? LEAST_STEPS : STEPS_A_STRETCH) || bytes >= MOST_BYTES
      if (gathered !== undefined && isEnough) await keep(gathered)
      if (isEnough || page === undefined) gathered = undefined
      if (gathered === undefined) isTouched = false
      step = found.next
      await othersTurns()
    }
  } finally {
    unwatch()
  }
}

/** A leaf that is being changed, or a stretch that is stored. */
interface Passed {
  readonly next: number
  readonly isStored: boolean
}

/** What comes from `step` on: whole leaves of one page, or something to be passed over. `undefined`: no more points. */
function nextOf(
  tables: RunTables,
  cached: CachedRun,
  metric: number,
  step: number,
): WholeLeaves | Passed | undefined {
  const { key } = cached.row
  const directory = steadyDirectory(tables.summaries)
  const leaf = leafFrom(directory, cached, step)
  if (leaf === undefined) return undefined
  const start = Math.max(step, leaf.start)
  const stretch = tables.stretches.next(key, metric, start)
  if (stretch?.start === start) return { next: stretch.next, isStored: true }
  const whole = wholeLeaves(tables, cached, directory, metric, start, (stretch?.start ?? Infinity) - 1)
  return whole ?? { next: endOf(leaf), isStored: false }
}
