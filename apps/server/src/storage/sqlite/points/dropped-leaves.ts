import type { Database } from '../engine/database.ts'

/** Rows that are removed at once: milliseconds of work. */
const ROWS_A_SLICE = 100

/**
 * The last leaves of runs that were cut off: millions of points would take the transaction that drops them hundreds of
 * milliseconds. It only notes from where on rows are no leaves any more; the reaper removes them. The leaves that a run has
 * start below, so no read of them meets such a row, and those that would be written further up make way first.
 */
export function openDroppedLeaves(db: Database) {
  const all = db.prepare<[], { run: number; start: number }>('select run, start from dropped_leaves')
  const read = () => new Map(all.all().map(({ run, start }) => [run, start]))
  const note = db.prepare<[number, number]>(
    `insert into dropped_leaves (run, start) values (?, ?)
     on conflict (run) do update set start = min(start, excluded.start)`,
  )
  const removeThrough = db.prepare<[run: number, from: number, to: number]>(
    'delete from leaves where run = ? and start between ? and ?',
  )
  const raise = db.prepare<[start: number, run: number]>('update dropped_leaves set start = ? where run = ?')
  const removeSome = db.prepare<[number, number]>(
    `delete from leaves where rowid in
       (select rowid from leaves where run = ? and start >= ? order by start limit ${ROWS_A_SLICE})`,
  )
  const done = db.prepare<[number]>('delete from dropped_leaves where run = ?')
  /** What the table says: writing a leaf asks each time. */
  let dropped = read()
  return {
    /** The leaves of the run that start at `start` or above it are no more. */
    drop(run: number, start: number): void {
      note.run(run, start)
      dropped.set(run, Math.min(start, dropped.get(run) ?? Infinity))
    },

    /** A leaf that starts there is about to be written. */
    makeWay(run: number, start: number): void {
      const from = dropped.get(run)
      if (from === undefined || start < from) return
      removeThrough.run(run, from, start)
      raise.run(start + 1, run)
      dropped.set(run, start + 1)
    },

    /** Removes some rows; says whether there may be more. */
    removeSome(): boolean {
      const [next] = dropped
      if (next === undefined) return false
      const [run, start] = next
      if (removeSome.run(run, start).changes === 0) {
        done.run(run)
        dropped.delete(run)
      }
      return true
    },

    /** Must be called when a transaction was undone. */
    afterRollback(): void {
      dropped = read()
    },
  }
}
export type DroppedLeaves = ReturnType<typeof openDroppedLeaves>

/**
 * Removes them all, in a file that is about to be read as a whole. A file without any is not written: its time tells of every
 * change.
 */
export function removeDropped(db: Database): void {
  if (db.prepare('select 1 from dropped_leaves').get() === undefined) return
  db.exec(
    `delete from leaves where exists
       (select 1 from dropped_leaves as dropped where dropped.run = leaves.run and dropped.start <= leaves.start);
     delete from dropped_leaves`,
  )
}
