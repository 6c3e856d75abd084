import { encodeRows } from '../leaf/encode-rows.ts'
import type { Rows } from '../leaf/rows.ts'
import { plain, rowsIn } from './blob.ts'

/** A batch as it arrived. */
export interface TailBatch {
  /** The version that the batch made of its run. */
  readonly seq: number
  /** Milliseconds since 1970. */
  readonly arrivedAt: number
  readonly rows: Rows
}

/** A batch as a row. */
export interface TailRow {
  readonly seq: number
  readonly arrivedAt: number
  readonly columns: Uint8Array
}

/** The rows of batches. */
export interface TailRows {
  /** Whether readers at other servers follow runs here: each batch then passes through, whatever leaves hold. */
  readonly isFollowed: boolean
  insert(run: number, row: TailRow): void
  /** Those behind `seq`, in order. */
  behind(run: number, seq: number): readonly TailRow[]
  removeThrough(run: number, seq: number): void
  /** The highest `seq` of the batches. */
  newest(run: number): number | null | undefined
}

/** The table of batches that the leaves, or the saved state of the detector, do not hold yet. */
export function openTail(stored: TailRows) {
  return {
    isFollowed: stored.isFollowed,
    /** Stores a batch; gives its length in bytes. */
    add(run: number, { seq, arrivedAt, rows }: TailBatch): number {
      const columns = plain(encodeRows(rows, rows.columns.keys(), true))
      stored.insert(run, { seq, arrivedAt, columns })
      return columns.length
    },
    /** The batches behind `seq`, in order of arrival. */
    behind(run: number, seq: number): TailBatch[] {
      return stored.behind(run, seq).map(({ columns, ...row }) => ({ ...row, rows: rowsIn(columns) }))
    },
    removeThrough(run: number, seq: number): void {
      stored.removeThrough(run, seq)
    },
    /** The highest `seq`; 0 without a batch. */
    newest: (run: number): number => stored.newest(run) ?? 0,
  }
}
export type TailTable = ReturnType<typeof openTail>

export interface Detection {
  readonly state: string | null
  /** The version of the run as of which the state is: it has judged the batches up to this `seq`. */
  readonly through: number
  readonly stale: 0 | 1
}

/** The detector's states, one a run. */
export interface DetectionRows {
  /** The record is to be judged again, whatever happens until it is. */
  markStale(run: number): void
  /** Without a row: no state, and nothing stale. */
  get(run: number): Detection
  save(run: number, detection: Detection): void
}
export const NO_DETECTION: Detection = { state: null, through: 0, stale: 0 }
