import type { Database } from 'better-sqlite3'
import { encodeRows } from '../../leaf/encode-rows.ts'
import type { Rows } from '../../leaf/rows.ts'
import { plain, rowsIn } from './blob.ts'

/** A batch as it arrived. */
export interface TailBatch {
  /** The version that the batch made of its run. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly arrivedAt: number
  readonly rows: Rows
}

/** The table of batches that the leaves, or the saved state of the detector, do not hold yet. */
export function openTail(db: Database) {
  const insert = db.prepare<[number, number, number, Uint8Array]>(
    'insert into tail (run, seq, arrived_at, columns) values (?, ?, ?, ?)',
  )
  const select = db.prepare<[number, number], { seq: number; arrived_at: number; columns: Buffer }>(
    'select seq, arrived_at, columns from tail where run = ? and seq > ? order by seq',
  )
  const remove = db.prepare<[number, number]>('delete from tail where run = ? and seq <= ?')
  const newest = db.prepare<[number], number | null>('select max(seq) from tail where run = ?').pluck()

  return {
    /** Stores a batch; gives its length in bytes. */
    add(run: number, { seq, arrivedAt, rows }: TailBatch): number {
      const columns = plain(encodeRows(rows, rows.columns.keys(), true))
      insert.run(run, seq, arrivedAt, columns)
      return columns.length
    },
    /** The batches behind `seq`, in order of arrival. */
    behind(run: number, seq: number): TailBatch[] {
      return select.all(run, seq).map((row) => ({
        seq: row.seq,
        arrivedAt: row.arrived_at,
        rows: rowsIn(row.columns),
      }))
    },
    removeThrough(run: number, seq: number): void {
      remove.run(run, seq)
    },
    /** The highest `seq` there is; 0 when there is none. */
    newest: (run: number): number => newest.get(run) ?? 0,
  }
}

export interface Detection {
  readonly state: string | null
  /** The version of the run as of which the state is: it has judged the batches up to this `seq`. */
  readonly through: number
  readonly stale: 0 | 1
}

/** The table of the detector's states, one a run. */
export function openDetections(db: Database) {
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
    /** The record is to be judged again, whatever happens until it is. */
    markStale: (run: number): void => void markStale.run(run),
    get: (run: number): Detection => select.get(run) ?? { state: null, through: 0, stale: 0 },
    save(run: number, { state, through, stale }: Detection): void {
      save.run(run, state, through, stale)
    },
  }
}
