import { MAX_EXPONENT, endOf, largestWithin, powerOfTwo } from '../leaf/dyadic.ts'
import { Leaf, holds, splitFull } from '../leaf/leaf.ts'
import { mergeRows } from '../leaf/merge-rows.ts'
import { rowFrom, type Rows } from '../leaf/rows.ts'
import { emptyTally, tallyRows, type Stream, type Tally } from '../leaf/stream.ts'
import { summarise, type LeafSummary } from '../leaf/summary.ts'
import { blockOf, blocksOf, leafKey, type EncodedLeaves } from './leaves.ts'
import type { MetricNames } from './metric-names.ts'
import { neighbours, NO_NEIGHBOURS } from './neighbours.ts'
import type { RunRow } from './run-row.ts'
import type { RunTables } from './run-tables.ts'
import { splitByBlock, type LeafEdits } from './summaries.ts'

/** Bytes of leaves that one run may hold before they are written, whatever its tail says. */
export const MAX_LEAF_BYTES = 8 * 1024 * 1024
/** Readings in changed leaves from which on encoding them takes more than some milliseconds. */
const HEAVY_READINGS = 40_000
/** Metrics of a leaf of which the same holds, however few readings they have. */
const HEAVY_METRICS = 256

/** What the leaves need to know of their run. */
interface RunOfLeaves {
  readonly row: Pick<RunRow, 'key' | 'lastStep' | 'version'>
  readonly names: MetricNames
  /** See `CachedRun`. */
  readonly streams: readonly [Stream, ...Stream[]]
}

/** The leaves of a run that its newest batches changed, decoded, and the newest one. */
export class CachedLeaves {
  readonly #tables: Pick<RunTables, 'leaves' | 'summaries'>
  readonly #run: RunOfLeaves
  /** Ascending by start. */
  all: Leaf[] = []
  /** Starts of the stored leaves that a leaf here stands in for. */
  readonly replaced = new Set<number>()

  constructor(tables: Pick<RunTables, 'leaves' | 'summaries'>, run: RunOfLeaves) {
    this.#tables = tables
    this.#run = run
  }

  get bytes(): number {
    return this.all.reduce((sum, leaf) => sum + leaf.bytes, 0)
  }

  /** Whether writing the changed leaves takes so long that they are encoded ahead, in slices. */
  get isHeavy(): boolean {
    let readings = 0
    for (const { dirty, count, columns } of this.all) {
      if (!dirty || count === 0) continue
      readings += count * columns.size
      if (columns.size > HEAVY_METRICS || readings > HEAVY_READINGS) return true
    }
    return false
  }

  /** Takes the rows of a batch into the leaves; gives what they add to the totals. */
  merge(rows: Rows, arrivedAt: number): Tally {
    const { streams } = this.#run
    const tally = emptyTally(streams)
    for (let from = 0; from < rows.count;) {
      const step = rows.step[from] as number
      const leaf = this.#leafFor(step)
      const isBehind = leaf.count === 0 || step > (leaf.step[leaf.count - 1] as number)
      this.#supersede(leaf)
      if (isBehind && leaf.count >= leaf.limit) {
        leaf.shrink()
        if (!holds(leaf, step)) continue
      }
      const room = isBehind && leaf.count < leaf.limit ? leaf.limit - leaf.count : Infinity
      const to = Math.min(rowFrom(rows, endOf(leaf)), from + room)
      const kept = isBehind ? leaf.count : 0
      if (!isBehind) tallyRows(tally, leaf, streams, -1)
      mergeRows(leaf, rows, from, to, arrivedAt / 1000)
      tallyRows(tally, leaf, streams, 1, kept)
      if (leaf.count > leaf.limit) this.all.splice(this.all.indexOf(leaf), 1, ...splitFull(leaf))
      if (this.bytes > MAX_LEAF_BYTES) this.write()
      from = to
    }
    return tally
  }

  /** The leaf is about to change: its stored form no longer counts. */
  #supersede(leaf: Leaf): void {
    if (!leaf.dirty) this.replaced.add(leaf.start)
    leaf.dirty = true
  }

  /** The leaf whose interval holds the step: a cached one, a stored one, or a new one. */
  #leafFor(step: number): Leaf {
    let at = this.all.length
    while (at > 0 && (this.all[at - 1] as Leaf).start > step) at--
    const below = this.all[at - 1]
    if (below !== undefined && holds(below, step)) return below
    const stored =
      below !== undefined && this.#isNewest(below)
        ? NO_NEIGHBOURS
        : neighbours(this.#tables.summaries, this.#run.row.key, step, this.replaced)
    let leaf: Leaf
    if (stored.below !== undefined && holds(stored.below, step)) {
      leaf = this.#tables.leaves.load(this.#run.row.key, stored.below)
    } else {
      const from = Math.max(below ? endOf(below) : 0, stored.below ? endOf(stored.below) : 0)
      const above = this.all[at]?.start ?? Infinity
      const to = Math.min(above, stored.above?.start ?? Infinity, powerOfTwo(MAX_EXPONENT))
      leaf = new Leaf(largestWithin(step, from, to))
    }
    this.all.splice(at, 0, leaf)
    return leaf
  }

  /** Whether no stored leaf starts above this one: it holds the last step. */
  #isNewest({ step, count }: Leaf): boolean {
    return count > 0 && (step[count - 1] as number) >= (this.#run.row.lastStep ?? 0)
  }

  /** Drops the points after `last` of the leaf that holds `step`, which is one of those kept. */
  cut(step: number, last: number): void {
    const leaf = this.#leafFor(step)
    this.#supersede(leaf)
    leaf.cut(rowFrom(leaf, last + 1))
  }

  /** Removes the last stored leaves: all that start there. No leaf here may be changed. */
  removeLast(starts: readonly number[]): void {
    const [first] = starts
    if (first === undefined) return
    const { key } = this.#run.row
    this.#tables.leaves.removeLast(key, starts)
    for (const block of this.blocks) this.#tables.summaries.cut(key, block, first)
    this.all = this.all.filter(({ start }) => start < first)
  }

  /** Summaries of the leaves here that differ from their stored form. */
  changedSummaries(): LeafSummary[] {
    return this.#changedLeaves().map((leaf) => summarise(leaf, this.#run.streams))
  }

  #changedLeaves(): Leaf[] {
    return this.all.filter(({ dirty, count }) => dirty && count > 0)
  }

  /** The leaves that are to be written; full ones are narrowed to their points. */
  toWrite(): Leaf[] {
    const changed = this.#changedLeaves()
    for (const leaf of changed) if (leaf.count >= leaf.limit) leaf.shrink()
    return changed
  }

  /** How the directory and the summaries change when these leaves are written. */
  editsWith(leaves: readonly Leaf[]): LeafEdits {
    return {
      removed: new Set(this.replaced),
      added: leaves.map((leaf) => splitByBlock(summarise(leaf, this.#run.streams))),
      isChanged: blocksChanged(leaves),
    }
  }

  /** Whether these are the leaves that are to be written now, in the place of the same ones. */
  isAsEncoded({ version, leaves, edits }: EncodedLeaves): boolean {
    const now = this.toWrite()
    return (
      version === this.#run.row.version &&
      now.length === leaves.size &&
      now.every((leaf) => leaves.has(leafKey(leaf))) &&
      this.replaced.size === edits.removed.size &&
      [...this.replaced].every((start) => edits.removed.has(start))
    )
  }

  /** Writes what changed and keeps the newest leaf in memory, since the next batch most likely continues it. */
  write(encoded?: EncodedLeaves): void {
    const { row, names } = this.#run
    const { key } = row
    const { leaves, summaries } = this.#tables
    const changed = this.toWrite()
    const edits = encoded?.edits ?? this.editsWith(changed)
    const staying = new Set(changed.filter((leaf) => leaves.stays(leaf)).map(({ start }) => start))
    for (const start of this.replaced) if (!staying.has(start)) leaves.remove(key, start)
    for (const leaf of changed) leaves.write(key, leaf, encoded?.leaves.get(leafKey(leaf)))
    for (const block of this.blocks) {
      const pages = encoded?.pages.get(block) ?? summaries.editsOf(key, block, edits, names.size)
      summaries.edit(key, block, pages)
    }
    for (const leaf of this.all) leaf.stored()
    this.replaced.clear()
    this.all = this.all.slice(-1).filter(({ count }) => count > 0)
  }

  /** Numbers of the blocks in which the metrics of the run are stored. */
  get blocks(): number[] {
    return blocksOf(Array.from({ length: this.#run.names.size }, (_, metric) => metric))
  }
}

/** Whether a leaf that starts there differs in a block; the directory, which is block 0, always counts as changed. */
function blocksChanged(leaves: readonly Leaf[]): (start: number, block: number) => boolean {
  const known = new Map<number, ReadonlySet<number>>()
  for (const { start, changed } of leaves) {
    if (changed !== undefined) known.set(start, new Set([0, ...Array.from(changed, blockOf)]))
  }
  return (start, block) => known.get(start)?.has(block) ?? true
}
