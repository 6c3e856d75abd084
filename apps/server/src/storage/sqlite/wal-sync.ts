import { closeSync, fdatasync, openSync } from 'node:fs'
import type { Database } from 'better-sqlite3'

/** The log of a data file could not be brought to the disk. */
export class WalSyncError extends Error {
  override readonly name = 'WalSyncError'
}

/**
 * Brings SQLite's write-ahead log to the disk after a commit, as `synchronous = full` does, but off the main thread:
 * a sync takes from 0.3 to 20 ms, in which the server reads requests and judges points. With `synchronous = normal`
 * SQLite itself syncs where the order of writes matters: before and after a checkpoint, and when the log begins anew.
 */
export class WalSync {
  readonly #file: number

  /** The log must exist: it does once the database has been written in WAL mode, and stays until it is closed. */
  constructor(db: Database) {
    this.#file = openSync(`${db.name}-wal`, 'r+')
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fdatasync(this.#file, (error) => {
        if (error === null) resolve()
        else reject(new WalSyncError(error.message, { cause: error }))
      })
    })
  }

  close(): void {
    closeSync(this.#file)
  }
}
