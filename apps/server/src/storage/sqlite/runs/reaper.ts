import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from '../engine/database.ts'
import type { GroupCommit } from '../engine/group-commit.ts'

/** Rows, or pages, that are removed at once: milliseconds of work. */
const SLICES = [
  ['leaves', 100],
  ['summaries', 100],
  ['tail', 500],
  ['stretches', 2],
  ['findings', 500],
  ['metrics', 500],
] as const
const PAGES_A_SLICE = 256
/** Milliseconds of removing after which others get their turn. */
const SLICE_MS = 4
/** Free pages that are left for the next points to fill; and how many gather while rows are removed, before space is given back. */
const FREE_PAGES_KEPT = 256
const FREE_PAGES_GATHERED = 4096
const PAUSE_MS = 2

/**
 * Removes the rows of deleted runs and of leaves that were dropped, and gives the space back, slice by slice between other units
 * of work.
 */
export class Reaper {
  readonly #db: Database
  readonly #commits: GroupCommit
  readonly #removeDropped: () => boolean
  /** One slice of work; says whether there is more. */
  readonly #slice: () => boolean
  #isRunning = false
  #isAsked = false

  /** `removeDropped` removes some rows of leaves that were dropped; it says whether there may be more. */
  constructor(db: Database, commits: GroupCommit, removeDropped: () => boolean) {
    this.#db = db
    this.#commits = commits
    this.#removeDropped = removeDropped
    this.#slice = this.#prepare()
  }

  /** Begins, or goes on where a former process stopped. Does nothing while it is running. */
  start(): void {
    this.#isAsked = true
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#reap().finally(() => (this.#isRunning = false))
  }

  async #reap(): Promise<void> {
    try {
      while (this.#isAsked) {
        this.#isAsked = false
        // the unit that asked is committed first
        await pause(PAUSE_MS)
        while (await this.#commits.run(this.#slice)) await pause(PAUSE_MS)
        this.#db.pragma('wal_checkpoint(truncate)')
      }
    } catch {
      // the store is closed or unavailable: the next start goes on
    }
  }

  #prepare(): () => boolean {
    const next = this.#db.prepare<[], number>('select key from deleted_runs limit 1').pluck()
    const done = this.#db.prepare<[number]>('delete from deleted_runs where key = ?')
    const slices = SLICES.map(([table, rows]) =>
      this.#db.prepare<[number]>(
        `delete from ${table} where rowid in (select rowid from ${table} where run = ? limit ${rows})`,
      ),
    )
    const removeSome = (): boolean => {
      const key = next.get()
      if (key === undefined) return this.#removeDropped()
      if (!slices.some((slice) => slice.run(key).changes > 0)) done.run(key)
      return true
    }
    let isShrinking = false
    const shrinkSome = (gathered: number): boolean => {
      const free = this.#db.pragma('freelist_count', { simple: true }) as number
      isShrinking = free > (isShrinking ? FREE_PAGES_KEPT : gathered)
      if (isShrinking) this.#db.pragma(`incremental_vacuum(${PAGES_A_SLICE})`)
      return isShrinking
    }
    // small runs are removed together: each slice waits for the disk
    const removeMany = (): boolean => {
      const began = performance.now()
      let isRemoving = false
      while (performance.now() - began < SLICE_MS && removeSome()) isRemoving = true
      return isRemoving
    }
    return () => shrinkSome(FREE_PAGES_GATHERED) || removeMany() || shrinkSome(FREE_PAGES_KEPT)
  }
}
