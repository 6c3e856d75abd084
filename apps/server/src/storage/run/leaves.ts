import type { MetricColumn } from '@normwatch/protocol'
import { Cells, encodeCells } from '../leaf/cells.ts'
import type { Interval } from '../leaf/dyadic.ts'
import { encodeRows } from '../leaf/encode-rows.ts'
import { Leaf } from '../leaf/leaf.ts'
import type { Rows } from '../leaf/rows.ts'
import { DamagedPoints } from './damage.ts'
import { allRowsIn, compress, plain, readingsIn } from './blob.ts'
import type { LeafEdits, PageEdit } from './summaries.ts'
import type { PackedReadings, Readings } from './unpacker.ts'

/** Metrics whose columns share a row. */
const METRICS_A_BLOCK = 16

/** Numbers below 0 stand in the directory, which is block 0: see `partKey`. */
export const blockOf = (metric: number): number => Math.max(0, Math.floor(metric / METRICS_A_BLOCK))

/** The blocks that hold these metrics, ascending, and always the first, which holds the steps. */
export const blocksOf = (metrics: Iterable<number>): number[] =>
  metricsByBlock(metrics).map(([block]) => block)

/** The metrics of each block, ascending by block; the first is always there. */
export function metricsByBlock(metrics: Iterable<number>): [block: number, metrics: number[]][] {
  const blocks = new Map<number, number[]>([[0, []]])
  for (const metric of metrics) {
    const here = blocks.get(blockOf(metric))
    if (here === undefined) blocks.set(blockOf(metric), [metric])
    else here.push(metric)
  }
  return [...blocks].sort(([a], [b]) => a - b)
}

/** The points of a leaf in one block of metrics, as stored. */
export interface LeafBlock {
  readonly cells: Uint8Array
  readonly columns: Uint8Array
}

export function encodeBlock(leaf: Rows & Interval, block: number, metrics: readonly number[]): LeafBlock {
  const isFirst = block === 0
  return {
    cells: plain(encodeCells(leaf, metrics, isFirst)),
    columns: compress(encodeRows(leaf, metrics, isFirst)),
  }
}

/**
 * The changed leaves of a run as they will be stored, while the run is at this version, by `leafKey`, then by block; and the pages
 * of their summaries.
 */
export interface EncodedLeaves {
  readonly version: number
  readonly leaves: Map<string, Map<number, LeafBlock>>
  readonly edits: LeafEdits
  /** By block. */
  readonly pages: Map<number, readonly PageEdit[]>
}

/** Names a leaf as it is at one version. */
export const leafKey = ({ start, exponent, count }: Pick<Leaf, 'start' | 'exponent' | 'count'>): string =>
  `${start} ${exponent} ${count}`

/** The rows of leaves: one a leaf and block of metrics. */
export interface LeafRows {
  cells(run: number, start: number, block: number): Uint8Array | undefined
  columns(run: number, start: number, block: number): Uint8Array | undefined
  /** The columns of every block of one leaf, by block. */
  blocks(run: number, start: number): readonly Uint8Array[]
  /** The columns of one block of the leaves that start from `first` to `last`, in order. */
  range(run: number, first: number, last: number, block: number): readonly Uint8Array[]
  /** Whether blocks of a leaf may be written while its others stay; else a leaf is removed and written whole. */
  readonly areBlocksApart: boolean
  /** Puts a block in the place of the one before, if there is one. */
  save(run: number, start: number, block: number, cells: Uint8Array, columns: Uint8Array): void
  /** Removes every block of the leaf. */
  remove(run: number, start: number): void
  /** Removes the last leaves of the run, which are all that start from the first of these steps on. */
  removeLast(run: number, starts: readonly number[]): void
}

/**
 * The table of leaves: points in columns, one row a leaf and block of metrics. `tell` hears where leaves are written or removed:
 * they start from `first` to `last`.
 */
export function openLeaves(stored: LeafRows, tell: (run: number, first: number, last: number) => void) {
  return {
    /** The rows of a stored leaf with at least the metrics wanted. */
    read(run: number, start: number, wanted: ReadonlySet<number>): Rows {
      const blobs = blocksOf(wanted).map((block) => stored.columns(run, start, block))
      const known = blobs.filter((blob) => blob !== undefined)
      return leafAt(start, () => joined(allRowsIn(known, wanted)))
    },

    /** The readings of one metric in the `count` stored leaves that start from `first` to `last`, one leaf after the other. */
    packed(run: number, first: number, last: number, count: number, metric: number): PackedReadings {
      const block = blockOf(metric)
      const blobs = stored.range(run, first, last, block)
      if (block === 0 && blobs.length !== count) throw new DamagedPoints({ step: first })
      return { start: first, blobs, metric }
    },

    /** The cells of a stored leaf with at least the metrics wanted, whose `keys` are given too. */
    cells(run: number, start: number, wanted: ReadonlySet<number>, keys: ReadonlySet<number>): Cells {
      const blobs = blocksOf(wanted).map((block) => stored.cells(run, start, block))
      const known = blobs.filter((blob) => blob !== undefined)
      return leafAt(start, () => new Cells(joined(allRowsIn(known, keys))))
    },

    /** A stored leaf with all its metrics, to be changed. */
    load(run: number, interval: Interval): Leaf {
      const blobs = stored.blocks(run, interval.start)
      const rows = leafAt(interval.start, () => joined(allRowsIn(blobs)))
      const leaf = new Leaf(interval, 0)
      leaf.step = rows.step
      leaf.time = rows.time
      leaf.count = rows.count
      for (const [metric, { values, present }] of rows.columns) leaf.columns.set(metric, { values, present })
      leaf.stored()
      return leaf
    },

    /** The blocks of a changed leaf that are to be written, and their metrics; its others stay as they are stored. */
    blocksToWrite({ columns, changed }: Leaf): [block: number, metrics: number[]][] {
      const blocks = metricsByBlock(columns.keys())
      if (changed === undefined || !stored.areBlocksApart) return blocks
      const apart = new Set(Array.from(changed, blockOf))
      return blocks.filter(([block]) => apart.has(block))
    },

    /** Writes what changed of a leaf. `encoded`: blocks of the leaf as it is, which need not be encoded again. */
    write(run: number, leaf: Leaf, encoded?: ReadonlyMap<number, LeafBlock>): void {
      tell(run, leaf.start, leaf.start)
      for (const [block, metrics] of this.blocksToWrite(leaf)) {
        const { cells, columns } = encoded?.get(block) ?? encodeBlock(leaf, block, metrics)
        stored.save(run, leaf.start, block, cells, columns)
      }
    },

    /** Whether stored rows of the leaf stay when it is written. */
    stays: ({ changed }: Leaf): boolean => changed !== undefined && stored.areBlocksApart,

    remove(run: number, start: number): void {
      tell(run, start, start)
      stored.remove(run, start)
    },

    /** Removes the last leaves of the run: all that start there. */
    removeLast(run: number, starts: readonly number[]): void {
      tell(run, starts[0] ?? 0, starts.at(-1) ?? 0)
      stored.removeLast(run, starts)
    },
  }
}
export type LeafTable = ReturnType<typeof openLeaves>

export const unpacked = ({ start, blobs, metric }: PackedReadings): Readings =>
  leafAt(start, () => readingsIn(blobs, metric))

function joined(blocks: readonly Rows[]): Rows {
  const [first] = blocks
  if (first === undefined) throw missingPoints()
  if (blocks.length === 1) return first
  const columns = new Map<number, MetricColumn>()
  for (const block of blocks) for (const [metric, column] of block.columns) columns.set(metric, column)
  return { ...first, columns }
}

const missingPoints = () => new DamagedPoints({})

/** Reads blobs of the leaf that starts there; an error names that step. */
function leafAt<T>(start: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof DamagedPoints ? new DamagedPoints({ step: start }, { cause: error }) : error
  }
}
