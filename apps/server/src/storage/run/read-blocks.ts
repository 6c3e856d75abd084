import { MAX_STEP, type MetricColumn, type PointColumns } from '@normwatch/protocol'
import { endOf, type Interval } from '../leaf/dyadic.ts'
import { Leaf } from '../leaf/leaf.ts'
import { rowFrom, type Rows } from '../leaf/rows.ts'
import { LEAF } from '../leaf/summary-page.ts'
import type { RunTables } from './run-tables.ts'
import type { Stretch, StretchBlobs } from './stretches.ts'
import type { CachedRun } from './cached-run.ts'
import { unpacked } from './leaves.ts'
import { neighbours, type Directory } from './neighbours.ts'
import { rowsOf } from './record-of.ts'
import type { StoredPage } from './summaries.ts'
import type { PackedReadings, Readings, Unpacker } from './unpacker.ts'

interface Range {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** Reads a run between two units. `work` may be run again, so it must change nothing. */
export type Read = <T>(work: (tables: RunTables, cached: CachedRun) => T) => Promise<T>

/** Readings that are looked up together, while nothing changes. */
const READINGS_A_TURN = 2 ** 15
/** Pages of leaves that are read ahead while a thread unpacks them. */
const PAGES_AHEAD = 4

/** Raw readings, a leaf a block. Leaves are looked up by step, a few at a time: the run may change between two turns. */
export async function* readBlocks(
  { from = 0, to = MAX_STEP, metrics }: Range & { readonly metrics?: readonly string[] | undefined },
  read: Read,
): AsyncGenerator<PointColumns> {
  for (let start = from; start <= to;) {
    const turn = await read((tables, cached) => {
      const { names } = cached
      const directory = steadyDirectory(tables.summaries)
      const wanted = new Set(
        (metrics ?? names.all).map((name) => names.number(name)).filter((metric) => metric !== undefined),
      )
      const blocks: PointColumns[] = []
      let next = start
      for (let readings = 0; readings < READINGS_A_TURN && next <= to;) {
        const leaf = leafFrom(directory, cached, next)
        if (leaf === undefined || leaf.start > to) {
          next = Infinity
          break
        }
        const rows = rowsOf(tables, cached, leaf.start, wanted)
        const block = withReadings(rows, wanted, rowFrom(rows, next), rowFrom(rows, to + 1))
        if (block.count > 0) blocks.push(names.named(block))
        readings += rows.count * Math.max(1, rows.columns.size)
        next = endOf(leaf)
      }
      return { blocks, next }
    })
    start = turn.next
    yield* turn.blocks
  }
}

/**
 * The readings of one metric without their steps. Leaves that the range holds whole are read a page at a time, as one block,
 * and nothing but these readings is decoded. Of many pages, some are unpacked in another thread, ahead of their turn.
 */
export async function* readReadings(
  name: string,
  { from = 0, to = MAX_STEP }: Range,
  read: Read,
  unpacker: Unpacker,
): AsyncGenerator<Readings> {
  const ahead: Promise<Readings>[] = []
  for (let start = from; start <= to;) {
    const mayHelp = unpacker.takesPage()
    const turn = await read((tables, cached) => {
      const metric = cached.names.number(name)
      const directory = steadyDirectory(tables.summaries)
      const leaf = leafFrom(directory, cached, start)
      if (metric === undefined || leaf === undefined || leaf.start > to)
        return { block: undefined, next: Infinity }
      const whole = wholeLeaves(tables, cached, directory, metric, Math.max(start, leaf.start), to)
      if (whole !== undefined)
        return { block: mayHelp ? whole.packed : unpacked(whole.packed), next: whole.next }
      const rows = rowsOf(tables, cached, leaf.start, new Set([metric]))
      const block = withReadings(rows, new Set([metric]), rowFrom(rows, start), rowFrom(rows, to + 1))
      const { values, present } = block.columns.get(metric) ?? { values: new Float64Array(0), present: null }
      const readings = present === null ? values : values.filter((_, row) => present[row] === 1)
      return { block: readings, next: endOf(leaf) }
    })
    start = turn.next
    if (turn.block === undefined) break
    const readings = unpackedBeside(turn.block, read, unpacker)
    // it is thrown when its turn comes
    readings.catch(() => {})
    ahead.push(readings)
    if (!mayHelp || ahead.length > PAGES_AHEAD) yield await (ahead.shift() as Promise<Readings>)
  }
  for (const readings of ahead) yield await readings
}

/** The readings of one metric; in place of those of a stretch, what `decode` makes of what is stored of it. */
export async function* readStretches<T>(
  name: string,
  { from = 0, to = MAX_STEP }: Range,
  read: Read,
  unpacker: Unpacker,
  decode: (blobs: StretchBlobs, stretch: Stretch) => T | undefined,
): AsyncGenerator<Readings | T> {
  for (let start = from; start <= to;) {
    const found = await read((tables, cached) => {
      const metric = cached.names.number(name)
      return metric === undefined ? undefined : stretchFrom(tables, cached, metric, start, to, decode)
    })
    const before = found === undefined ? to : found.start - 1
    if (start <= before) yield* readReadings(name, { from: start, to: before }, read, unpacker)
    if (found === undefined) break
    yield found.decoded
    start = found.next
  }
}

/** The first stretch of the range of which no leaf has changed. */
function stretchFrom<T>(
  tables: RunTables,
  cached: CachedRun,
  metric: number,
  from: number,
  to: number,
  decode: (blobs: StretchBlobs, stretch: Stretch) => T | undefined,
): (Stretch & { readonly decoded: T }) | undefined {
  const { key } = cached.row
  for (let step = from; ;) {
    const stretch = tables.stretches.next(key, metric, step)
    if (stretch === undefined || stretch.next - 1 > to) return undefined
    const blobs = isChangedIn(cached, stretch) ? undefined : tables.stretches.read(key, metric, stretch.start)
    const decoded = blobs && decode(blobs, stretch)
    if (decoded !== undefined) return { ...stretch, decoded }
    step = stretch.next
  }
}

/** Whether leaves of the stretch have changed and are not written yet. */
function isChangedIn({ leaves: { all, replaced } }: CachedRun, { start, next }: Stretch): boolean {
  const isChanged = (leaf: Leaf) => leaf.dirty && leaf.start < next && endOf(leaf) > start
  return all.some(isChanged) || [...replaced].some((step) => step >= start && step < next)
}

/** What could not be unpacked in the thread is unpacked in a unit, which notes damage. */
async function unpackedBeside(
  block: Readings | PackedReadings,
  read: Read,
  unpacker: Unpacker,
): Promise<Readings> {
  if (!('blobs' in block)) return block
  return (await unpacker.unpack(block)) ?? read(() => unpacked(block))
}

/** Stored leaves of one page that follow each other: from step `start` up to `next`, and so many points. */
export interface WholeLeaves {
  readonly start: number
  readonly next: number
  readonly points: number
  readonly packed: PackedReadings
}

/** The readings of the stored leaves of one page that follow each other from `from` on, the range up to `to` holding each of them whole. */
export function wholeLeaves(
  tables: RunTables,
  cached: CachedRun,
  directory: Directory,
  metric: number,
  from: number,
  to: number,
): WholeLeaves | undefined {
  const { key } = cached.row
  const { page } = directory.pageFor(key, from)
  const atHand = cached.leaves.all.filter(({ count }) => count > 0)
  const leaves: Interval[] = []
  let points = 0
  for (let at = page.lastFrom(from); at >= 0 && at < page.count; at++) {
    const leaf = { start: page.leaf(at, LEAF.start), exponent: page.leaf(at, LEAF.exponent) }
    const isNext = !atHand.some((other) => endOf(other) > from && other.start < endOf(leaf))
    if (leaf.start < from || endOf(leaf) - 1 > to || cached.leaves.replaced.has(leaf.start) || !isNext) break
    leaves.push(leaf)
    points += page.leaf(at, LEAF.count)
  }
  const [first, last] = [leaves[0], leaves.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const packed = tables.leaves.packed(key, first.start, last.start, leaves.length, metric)
  return { start: first.start, next: endOf(last), points, packed }
}

/** The leaf that holds the step, else the first above it. */
export function leafFrom(directory: Directory, cached: CachedRun, step: number): Interval | undefined {
  const { below, above } = neighbours(directory, cached.row.key, step, cached.leaves.replaced)
  return [...cached.leaves.all.filter(({ count }) => count > 0), below, above]
    .filter((leaf) => leaf !== undefined && endOf(leaf) > step)
    .reduce(
      (first, leaf) => ((first?.start ?? Infinity) < (leaf?.start ?? Infinity) ? first : leaf),
      undefined,
    )
}

/** The directory of one run while nothing changes: steps that follow one another are looked up in one page. */
export function steadyDirectory(summaries: Directory): Directory {
  let last: StoredPage | undefined
  return {
    ...summaries,
    pageFor(run, step) {
      const isHere =
        last !== undefined && last.first <= step && last.page.lastFrom(step) < last.page.count - 1
      return isHere ? (last as StoredPage) : (last = summaries.pageFor(run, step))
    },
  }
}

/** The rows from `low` to `high` that have a reading of the metrics wanted, and these columns alone. */
export function withReadings(rows: Rows, wanted: ReadonlySet<number>, low: number, high: number): Rows {
  const columns = [...rows.columns].filter(([metric]) => wanted.has(metric))
  const isDense = columns.some(([, { present }]) => present === null)
  const kept: number[] = []
  for (let row = low; row < high && !isDense; row++) {
    if (columns.some(([, { present }]) => present?.[row] === 1)) kept.push(row)
  }
  const pick = <T extends Float64Array | Uint8Array>(list: T): T => {
    // a cached leaf may change while the block is being read
    if (isDense) return (rows instanceof Leaf ? list.slice(low, high) : list.subarray(low, high)) as T
    const some = list.slice(0, kept.length) as T
    kept.forEach((row, i) => (some[i] = list[row] as number))
    return some
  }
  const picked = columns.map(([metric, { values, present }]): [number, MetricColumn] => [
    metric,
    { values: pick(values), present: present && pick(present) },
  ])
  const step = pick(rows.step)
  return { count: step.length, step, time: pick(rows.time), columns: new Map(picked) }
}
