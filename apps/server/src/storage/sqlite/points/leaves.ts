import type { MetricColumn } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import { Cells, encodeCells } from '../../leaf/cells.ts'
import type { Interval } from '../../leaf/dyadic.ts'
import { encodeRows } from '../../leaf/encode-rows.ts'
import { Leaf } from '../../leaf/leaf.ts'
import type { Rows } from '../../leaf/rows.ts'
import { DamagedPoints } from '../engine/store-errors.ts'
import { compress, plain, readingsIn, rowsIn } from './blob.ts'

/** Metrics whose columns share a row. */
const METRICS_A_BLOCK = 16

/** Numbers below 0 stand in the directory, which is block 0: see `partKey`. */
export const blockOf = (metric: number): number => Math.max(0, Math.floor(metric / METRICS_A_BLOCK))

/** The blocks that hold these metrics, ascending, and always the first, which holds the steps. */
export const blocksOf = (metrics: Iterable<number>): number[] =>
  [...new Set([0, ...Array.from(metrics, blockOf)])].sort((a, b) => a - b)

/** The table of leaves: points in columns, one row a leaf and block of metrics. */
export function openLeaves(db: Database) {
  type Place = [run: number, start: number, block: number]
  const select = (what: 'cells' | 'columns') =>
    db.prepare<Place, Buffer>(`select ${what} from leaves where run = ? and start = ? and block = ?`).pluck()
  const selectCells = select('cells')
  const selectColumns = select('columns')
  const selectBlocks = db
    .prepare<[number, number], Buffer>(
      'select columns from leaves where run = ? and start = ? order by block',
    )
    .pluck()
  const selectRange = db
    .prepare<[number, number, number, number], Buffer>(
      'select columns from leaves where run = ? and start between ? and ? and block = ? order by start',
    )
    .pluck()
  const insert = db.prepare<[...Place, Uint8Array, Uint8Array]>(
    'insert into leaves (run, start, block, cells, columns) values (?, ?, ?, ?, ?)',
  )
  const remove = db.prepare<[number, number]>('delete from leaves where run = ? and start = ?')

  const watchers = new Set<(run: number, start: number) => void>()
  const tell = (run: number, start: number): void => {
    for (const watcher of watchers) watcher(run, start)
  }

  return {
    /** Calls `watcher` for each leaf that is written or removed. Returns its undo. */
    watch(watcher: (run: number, start: number) => void): () => void {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },

    /** The rows of a stored leaf with at least the metrics wanted. */
    read(run: number, start: number, wanted: ReadonlySet<number>): Rows {
      const blobs = blocksOf(wanted).map((block) => selectColumns.get(run, start, block))
      const stored = blobs.filter((blob) => blob !== undefined)
      return leafAt(start, () => joined(stored.map((blob) => rowsIn(blob, wanted))))
    },

    /** The readings of one metric in the `count` stored leaves that start from `first` to `last`, one leaf after the other. */
    readings(run: number, first: number, last: number, count: number, metric: number) {
      const block = blockOf(metric)
      const blobs = selectRange.all(run, first, last, block)
      return leafAt(first, () => {
        if (block === 0 && blobs.length !== count) throw missingPoints()
        return blobs.map((blob) => readingsIn(blob, metric))
      })
    },

    /** The cells of a stored leaf with at least the metrics wanted, whose `keys` are given too. */
    cells(run: number, start: number, wanted: ReadonlySet<number>, keys: ReadonlySet<number>): Cells {
      const blobs = blocksOf(wanted).map((block) => selectCells.get(run, start, block))
      const stored = blobs.filter((blob) => blob !== undefined)
      return leafAt(start, () => new Cells(joined(stored.map((blob) => rowsIn(blob, keys)))))
    },

    /** A stored leaf with all its metrics, to be changed. */
    load(run: number, interval: Interval): Leaf {
      const stored = selectBlocks.all(run, interval.start)
      const rows = leafAt(interval.start, () => joined(stored.map((blob) => rowsIn(blob))))
      const leaf = new Leaf(interval, 0)
      leaf.step = rows.step
      leaf.time = rows.time
      leaf.count = rows.count
      for (const [metric, { values, present }] of rows.columns) leaf.columns.set(metric, { values, present })
      leaf.dirty = false
      return leaf
    },

    write(run: number, leaf: Leaf): void {
      tell(run, leaf.start)
      for (const block of blocksOf(leaf.columns.keys())) {
        const metrics = [...leaf.columns.keys()].filter((metric) => blockOf(metric) === block)
        const isFirst = block === 0
        const cells = plain(encodeCells(leaf, metrics, isFirst))
        insert.run(run, leaf.start, block, cells, compress(encodeRows(leaf, metrics, isFirst)))
      }
    },

    remove(run: number, start: number): void {
      tell(run, start)
      remove.run(run, start)
    },
  }
}

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
