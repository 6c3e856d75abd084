import { closeSync, fdatasync, fstatSync, openSync } from 'node:fs'
import type { Database } from './database.ts'
import { StoreUnavailable } from '../../store.ts'

/** The log of a data file could not be brought to the disk. */
export class WalSyncError extends Error {
  override readonly name = 'WalSyncError'
}

/**
 * Brings SQLite's write-ahead log to the disk after a commit, as `synchronous = full` does, but off the main thread:
 * a sync takes from 0.3 to 20 ms, in which the server reads requests and judges points. With `synchronous = normal`
 * SQLite itself syncs where the order of writes matters: before and after a checkpoint, and when the log restarts.
 */
export class WalSync {
  readonly #db: Database
  readonly #file: number
  readonly #fdatasync: typeof fdatasync
  /** A sync failed: the system may have given up a part of the log, and will not say so again. */
  #isSuspect = false

  /** The log must exist: it does once the database has been written in WAL mode, and stays until it is closed. */
  constructor(db: Database, sync = fdatasync) {
    this.#db = db
    this.#file = openSync(`${db.name}-wal`, 'r+')
    this.#fdatasync = sync
  }

  /** Resolves when every commit so far is on the disk. Rejects with `WalSyncError`, `StoreUnavailable`, or what SQLite says. */
  async sync(): Promise<void> {
    // what is written to a file without a name is gone when the server ends
    if (fstatSync(this.#file).nlink === 0) {
      throw new StoreUnavailable('The data file was removed while the server used it.')
    }
    if (this.#isSuspect) this.#beginAnew()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#fdatasync(this.#file, (error) => {
      if (error === null) return resolve()
      this.#isSuspect = true
      reject(new WalSyncError(error.message, { cause: error }))
    })
    await promise
  }

  /** Brings what the log holds to its places in the data file, which SQLite syncs, and empties it. */
  #beginAnew(): void {
    const [outcome] = this.#db.pragma('wal_checkpoint(truncate)') as { busy: number }[]
    if (outcome?.busy !== 0) throw new WalSyncError('a reader holds on to a log that could not be synced')
    this.#isSuspect = false
  }

  close(): void {
    closeSync(this.#file)
  }
}
