import { statfsSync, statSync, type Stats } from 'node:fs'
import { join, resolve } from 'node:path'
import { NO_ALERTS, type AlertOptions } from '../alert-store.ts'
import { ALONE } from '../chore-store.ts'
import { openPoints, recordFindings } from '../run/points.ts'
import { HeavyUnits } from '../run/heavy-units.ts'
import { RunCache } from '../run/run-cache.ts'
import { openRuns } from '../run/runs.ts'
import { StoreUnavailable, type Store } from '../store.ts'
import { openAudit } from './audit/audit.ts'
import { openChannelStore, openDeliveryStore, openMuteStore } from './alerts/alert-store.ts'
import { FILE, lockFolder, makeOwnFolder } from './engine/data-folder.ts'
import { GroupCommit } from './engine/group-commit.ts'
import { KeptStatements } from './engine/kept-statements.ts'
import { migrate, migrationsOf } from './engine/migrate.ts'
import { CannotOpenStore, asUnavailable } from './engine/store-errors.ts'
import { WalSync } from './engine/wal-sync.ts'
import { openTables } from './open-tables.ts'
import { openEvents } from './runs/events.ts'
import { openExplanations, openFindingLists } from './runs/findings.ts'
import { Reaper } from './runs/reaper.ts'
import { openRunLists } from './runs/run-lists.ts'
import { openLimits } from './runs/limits.ts'
import { openSettings } from './runs/settings.ts'
import { StretchMaker } from './runs/stretch-maker.ts'
import type { Access } from './tokens/sessions.ts'
import { openTokens } from './tokens/tokens.ts'
import { openDatabase, type Database } from './engine/database.ts'

export { CannotOpenStore } from './engine/store-errors.ts'

/** Pages (4 KiB) that the log gathers before they go to their places in the data file. */
const CHECKPOINT_PAGES = 4000
const LOG_BYTES_KEPT = 32 * 1024 * 1024
/** With less room than this on its disk, the store is not ready. */
const MIN_FREE_BYTES = 1024 * 1024
/** How long to wait for another program that has locked the file; the whole server waits. */
const LOCK_TIMEOUT_MS = 250

/**
 * Opens the store that keeps everything in one SQLite file, `normwatch.db` in `folder`; both are made where they do not
 * exist, and older data is migrated. `alerts` decides which deliveries findings cause; without it, none. One process
 * at a time may hold a folder. Rejects with `CannotOpenStore`.
 */
export async function openSqliteStore({
  folder,
  alerts = NO_ALERTS,
}: {
  readonly folder: string
  readonly alerts?: AlertOptions
}): Promise<Store> {
  const path = resolve(folder)
  let lock: Database | undefined
  let db: Database | undefined
  try {
    makeOwnFolder(path)
    lock = lockFolder(path)
    db = openFile(join(path, FILE))
    return assemble(db, lock, alerts)
  } catch (error) {
    db?.close()
    lock?.close()
    if (error instanceof CannotOpenStore) throw error
    const cause = asUnavailable(error)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CannotOpenStore(`The data folder ${path} cannot be used: ${reason}`, { cause: error })
  }
}

function openFile(file: string): Database {
  const db = openDatabase(file, { timeout: LOCK_TIMEOUT_MS })
  // before the first table: later it would take a rewrite of the whole file
  db.pragma('auto_vacuum = incremental')
  db.pragma('journal_mode = wal')
  // what `full` would add, a sync of the log after each commit, is done off the main thread: see wal-sync.ts
  db.pragma('synchronous = normal')
  db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  // a backup holds the log's beginning back; afterwards the log shrinks again
  db.pragma(`journal_size_limit = ${LOG_BYTES_KEPT}`)
  migrate(db)
  return db
}

/** A page may still fit where a batch does not. Throws `StoreUnavailable`. */
function refuseFullDisk(file: string): void {
  const { bavail, bsize } = statfsSync(file)
  if (bavail * bsize < MIN_FREE_BYTES) throw new StoreUnavailable('The disk that holds the data is full.')
}

/** Whoever starts next would not find what is stored now. Throws `StoreUnavailable`. */
function refuseMoved(file: string, opened: Stats): void {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.ino !== opened.ino || found.dev !== opened.dev)
    throw new StoreUnavailable('The data file was moved or removed while the server was running.')
}

function assemble(db: Database, lock: Database, alerts: AlertOptions): Store {
  const opened = statSync(db.name)
  const tables = openTables(db, alerts)
  const cache = new RunCache(tables)
  const log = new WalSync(db)
  const commits = new GroupCommit(db, {
    sync: () => log.sync(),
    beforeCommit: () => cache.settle(),
    onRollback: () => {
      cache.clear()
      tables.stretches.afterRollback()
      tables.droppedLeaves.afterRollback()
    },
  })
  const reaper = new Reaper(db, commits, () => tables.droppedLeaves.removeSome())
  const lists = new KeptStatements(db)
  const units = new HeavyUnits({
    write: (_, work) => commits.run(() => work(tables, cache)),
    read: async (_, work) => commits.read(() => work(tables, cache)),
    watchLeaves: (id, watcher) => {
      const key = tables.runs.find(id)?.key
      return tables.watchLeaves((run, start) => run === key && watcher(start))
    },
    // else the log would be full with that unit, whose turn would be twice as long
    makeRoom: () => commits.read(() => void db.pragma('wal_checkpoint(passive)')),
    reclaim: () => reaper.start(),
  })
  const access: Access = { read: (work) => commits.read(work), write: (work) => commits.run(work) }
  const stretches = new StretchMaker(db, units, (watcher) => tables.watchLeaves(watcher))
  let closing: Promise<void> | undefined
  const closeAll = async (): Promise<void> => {
    stretches.close()
    try {
      await commits.close()
    } finally {
      log.close()
      db.close()
      lock.close()
    }
  }
  // goes on with what a former process left
  reaper.start()
  stretches.start()
  return {
    runs: { ...openRuns(units), ...openRunLists(db, lists, tables.runs, cache, commits, reaper) },
    points: openPoints(units),
    findings: {
      ...openFindingLists(db, lists, (work) => commits.read(work)),
      record: recordFindings(units),
      ...openExplanations(db, tables.findings, commits),
    },
    events: openEvents(db, commits),
    settings: openSettings(db, commits),
    channels: openChannelStore(tables, commits),
    mutes: openMuteStore(tables, commits),
    deliveries: openDeliveryStore(tables, cache, commits),
    chores: ALONE,
    now: Date.now,
    tokens: openTokens(db, access),
    audit: openAudit(db, access),
    limits: openLimits(db, commits),
    migrations: migrationsOf(db).applied,
    check: async () => {
      if (commits.damage !== undefined) throw commits.damage
      // writes a page that never matters, as every change would
      await commits.run(() => void db.pragma('user_version = 1'))
      refuseMoved(db.name, opened)
      refuseFullDisk(db.name)
    },
    close: () => (closing ??= closeAll()),
  }
}
