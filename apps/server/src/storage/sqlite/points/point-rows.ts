import type { Database } from '../engine/database.ts'
import type { DroppedLeaves } from './dropped-leaves.ts'
import type { LeafRows } from '../../run/leaves.ts'
import type { MetricRows } from '../../run/metric-names.ts'
import type { Stretch, StretchBlobs, StretchRows } from '../../run/stretches.ts'
import type { PageRow, PageRows } from '../../run/summaries.ts'
import {
  NO_DETECTION,
  type Detection,
  type DetectionRows,
  type TailRow,
  type TailRows,
} from '../../run/tail.ts'

/** The statements behind the rows of points. */
export function metricRows(db: Database): MetricRows {
  const select = db
    .prepare<[number], string>('select name from metrics where run = ? order by number')
    .pluck()
  const insert = db.prepare<[number, number, string]>(
    'insert into metrics (run, number, name) values (?, ?, ?)',
  )
  return {
    names: (run) => select.all(run),
    insert: (run, number, name) => void insert.run(run, number, name),
  }
}

export function leafRows(db: Database, dropped: DroppedLeaves): LeafRows {
  type Place = [run: number, start: number, block: number]
  const select = (what: 'cells' | 'columns') =>
    db.prepare<Place, Buffer>(`select ${what} from leaves where run = ? and start = ? and block = ?`).pluck()
  const cells = select('cells')
  const columns = select('columns')
  const blocks = db
    .prepare<[number, number], Buffer>(
      'select columns from leaves where run = ? and start = ? order by block',
    )
    .pluck()
  const range = db
    .prepare<[number, number, number, number], Buffer>(
      'select columns from leaves where run = ? and start between ? and ? and block = ? order by start',
    )
    .pluck()
  const save = db.prepare<[...Place, Uint8Array, Uint8Array]>(
    `insert into leaves (run, start, block, cells, columns) values (?, ?, ?, ?, ?)
     on conflict (run, start, block) do update set cells = excluded.cells, columns = excluded.columns`,
  )
  const remove = db.prepare<[number, number]>('delete from leaves where run = ? and start = ?')
  return {
    cells: (run, start, block) => cells.get(run, start, block),
    columns: (run, start, block) => columns.get(run, start, block),
    blocks: (run, start) => blocks.all(run, start),
    range: (run, first, last, block) => range.all(run, first, last, block),
    areBlocksApart: true,
    save(run, start, block, cells, columns) {
      dropped.makeWay(run, start)
      save.run(run, start, block, cells, columns)
    },
    remove: (run, start) => void remove.run(run, start),
    removeLast: (run, [first]) => first !== undefined && dropped.drop(run, first),
  }
}

export function pageRows(db: Database): PageRows {
  type Place = [run: number, block: number, first: number]
  const at = 'select first, page from summaries where run = ? and block = ? and first'
  const from = db.prepare<Place, PageRow>(`${at} <= ? order by first desc limit 1`)
  const before = db.prepare<Place, PageRow>(`${at} < ? order by first desc limit 1`)
  const after = db.prepare<Place, PageRow>(`${at} > ? order by first limit 1`)
  // without the page itself, which may be large
  const firstAfter = db
    .prepare<[...Place, number], number>(
      'select first from summaries where run = ? and block = ? and first > ? order by first limit 1 offset ? - 1',
    )
    .pluck()
  const range = db.prepare<[...Place, number], PageRow>(`${at} >= ? and first <= ? order by first`)
  const save = db.prepare<[...Place, Uint8Array]>(
    `insert into summaries (run, block, first, page) values (?, ?, ?, ?)
     on conflict (run, block, first) do update set page = excluded.page`,
  )
  const remove = db.prepare<Place>('delete from summaries where run = ? and block = ? and first = ?')
  const removeAfter = db.prepare<Place>('delete from summaries where run = ? and block = ? and first > ?')
  return {
    from: (run, block, first) => from.get(run, block, first),
    before: (run, block, first) => before.get(run, block, first),
    after: (run, block, first) => after.get(run, block, first),
    firstAfter: (run, block, first, pages) => firstAfter.get(run, block, first, pages),
    range: (run, block, first, last) => range.all(run, block, first, last),
    save: (run, block, first, page) => void save.run(run, block, first, page),
    remove: (run, block, first) => void remove.run(run, block, first),
    removeAfter: (run, block, first) => void removeAfter.run(run, block, first),
  }
}

export function tailRows(db: Database): TailRows {
  const insert = db.prepare<[number, number, number, Uint8Array]>(
    'insert into tail (run, seq, arrived_at, columns) values (?, ?, ?, ?)',
  )
  const behind = db.prepare<[number, number], TailRow>(
    'select seq, arrived_at as arrivedAt, columns from tail where run = ? and seq > ? order by seq',
  )
  const remove = db.prepare<[number, number]>('delete from tail where run = ? and seq <= ?')
  const newest = db.prepare<[number], number | null>('select max(seq) from tail where run = ?').pluck()
  return {
    isFollowed: false,
    insert: (run, { seq, arrivedAt, columns }) => void insert.run(run, seq, arrivedAt, columns),
    behind: (run, seq) => behind.all(run, seq),
    removeThrough: (run, seq) => void remove.run(run, seq),
    newest: (run) => newest.get(run),
  }
}

export function detectionRows(db: Database): DetectionRows {
  const select = db.prepare<[number], Detection>('select state, through, stale from detections where run = ?')
  const save = db.prepare<[number, string | null, number, number]>(
    `insert into detections (run, state, through, stale) values (?, ?, ?, ?)
     on conflict (run) do update set state = excluded.state, through = excluded.through, stale = excluded.stale`,
  )
  const markStale = db.prepare<[number]>(
    `insert into detections (run, state, through, stale) values (?, null, 0, 1)
     on conflict (run) do update set stale = 1`,
  )
  return {
    markStale: (run) => void markStale.run(run),
    get: (run) => select.get(run) ?? NO_DETECTION,
    save: (run, { state, through, stale }) => void save.run(run, state, through, stale),
  }
}

/** Runs of which is remembered where they have no stretch. */
const MAX_BARE = 1024

/**
 * `forget` removes the rows of the stretches that hold one of the leaves that start from `first` to `last`. `afterRollback` must be
 * called when a transaction was undone: what it removed is there again.
 */
export function stretchRows(
  db: Database,
): StretchRows & { forget(run: number, first: number, last: number): void; afterRollback(): void } {
  type Place = [run: number, metric: number, start: number]
  const next = db.prepare<Place, Stretch>(
    'select start, next from stretches where run = ? and metric = ? and start >= ? order by start limit 1',
  )
  const read = db.prepare<Place, StretchBlobs>(
    'select figures, norms from stretches where run = ? and metric = ? and start = ?',
  )
  const save = db.prepare<[...Place, number, Uint8Array, Uint8Array | null]>(
    'insert or replace into stretches (run, metric, start, next, figures, norms) values (?, ?, ?, ?, ?, ?)',
  )
  const forget = db.prepare<[number, number, number]>(
    'delete from stretches where run = ? and next > ? and start <= ?',
  )
  const nextAny = db
    .prepare<[number, number], number | null>('select min(start) from stretches where run = ? and next > ?')
    .pluck()
  // leaves are written and removed in their order, most of them in runs without a stretch
  const bare = new Map<number, { readonly from: number; readonly to: number }>()
  return {
    next: (run, metric, step) => next.get(run, metric, step),
    read: (run, metric, start) => read.get(run, metric, start),
    save(run, metric, stretch, { figures, norms }) {
      save.run(run, metric, stretch.start, stretch.next, figures, norms)
      bare.delete(run)
    },
    forget(run, first, last) {
      const known = bare.get(run)
      if (known !== undefined && first >= known.from && last < known.to) return
      forget.run(run, first, last)
      if (bare.size === MAX_BARE) bare.clear()
      bare.set(run, { from: first, to: nextAny.get(run, first) ?? Infinity })
    },
    afterRollback: () => bare.clear(),
  }
}
