import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findDamage } from '../points/verify.ts'
import { FILE, lockFolder } from '../engine/data-folder.ts'
import { migrationsOf } from '../engine/migrate.ts'
import { CannotOpenStore } from '../engine/store-errors.ts'
import { openDatabase, type Database } from '../engine/database.ts'

/** What can be seen in a data folder without changing it, also while a server uses it. */
export interface Inspection {
  /** A server is using the folder. */
  readonly isInUse: boolean
  /** What SQLite's own check reports, else which points and summaries fail their checksums; empty if the data is intact. */
  readonly faults: readonly string[]
  readonly migrations: { readonly applied: number; readonly known: number }
  /** Milliseconds since 1970; `null`: no points yet. */
  readonly newestArrival: number | null
  readonly runs: number
  readonly channels: readonly { readonly name: string; readonly trouble: string | null }[]
}

/** Inspects the data file of a folder; `undefined` if it does not exist yet. Throws SQLite's error for a file that it cannot read. */
export function inspectFolder(folder: string): Inspection | undefined {
  const file = join(folder, FILE)
  if (!existsSync(file)) return undefined
  const isInUse = heldByOther(folder)
  const db = openDatabase(file, { readonly: true, timeout: 5_000 })
  try {
    const faults = db.prepare<[], string>('pragma integrity_check(20)').pluck().all()
    const { newest, runs } = db
      .prepare<[], { newest: number | null; runs: number }>(
        'select max(last_arrival) as newest, count(*) as runs from runs',
      )
      .get() as { newest: number | null; runs: number }
    return {
      isInUse,
      faults: faults.some((fault) => fault !== 'ok') ? faults : findDamage(db),
      migrations: migrationsOf(db),
      newestArrival: newest,
      runs,
      channels: channelsOf(db),
    }
  } finally {
    db.close()
  }
}

function heldByOther(folder: string): boolean {
  try {
    lockFolder(folder).close()
    return false
  } catch (error) {
    if (error instanceof CannotOpenStore) return true
    throw error
  }
}

function channelsOf(db: Database): Inspection['channels'] {
  const rows = db
    .prepare<
      [],
      { name: string; enabled: number; disabled_reason: string | null; failing_error: string | null }
    >('select name, enabled, disabled_reason, failing_error from channels order by created_at')
    .all()
  return rows.map(({ name, enabled, disabled_reason, failing_error }) => ({
    name,
    trouble:
      enabled === 0
        ? `disabled: ${disabled_reason ?? 'by hand'}`
        : failing_error && `failing: ${failing_error}`,
  }))
}
