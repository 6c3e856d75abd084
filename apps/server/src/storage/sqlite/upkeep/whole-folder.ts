import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  CannotMove,
  type StoredRow,
  type StoredValue,
  type WholeData,
  type WholeTable,
} from '../../whole-data.ts'
import { FILE, lockFolder } from '../engine/data-folder.ts'
import { openDatabase, type Database } from '../engine/database.ts'
import { migrate } from '../engine/migrate.ts'
import { asUnavailable, CannotOpenStore } from '../engine/store-errors.ts'
import { removeDropped } from '../points/dropped-leaves.ts'

/** The file's own journal of migrations, rows that are being removed, and copies of what leaves hold: none of them is data. */
const NOT_DATA = ['__drizzle_migrations', 'deleted_runs', 'dropped_leaves', 'stretches']
const LOCK_TIMEOUT_MS = 5_000

/**
 * Opens all data of a folder that no server uses, to be read row by row; nobody else can open it meanwhile. Older data is
 * migrated first. Throws `CannotOpenStore`, `CannotMove`.
 */
export function openWholeFolder(folder: string): WholeData & { close: () => void } {
  const path = resolve(folder)
  const file = join(path, FILE)
  if (!existsSync(file)) throw new CannotMove(`There is no data in ${path}.`)
  let lock: Database | undefined
  let db: Database | undefined
  const close = () => {
    db?.close()
    lock?.close()
  }
  try {
    lock = lockFolder(path)
    db = openDatabase(file, { timeout: LOCK_TIMEOUT_MS })
    migrate(db)
    removeDropped(db)
    // what a killed server left in the log goes to the file, whose time then tells of every change
    db.pragma('wal_checkpoint(truncate)')
    const { size, mtimeMs } = statSync(file)
    return { folder: path, mark: `${size} ${mtimeMs}`, tables: tablesOf(db), close }
  } catch (error) {
    close()
    if (error instanceof CannotOpenStore) throw error
    const { message } = asUnavailable(error) as Error
    throw new CannotOpenStore(`The data folder ${path} cannot be used: ${message}`, { cause: error })
  }
}

function tablesOf(db: Database): WholeTable[] {
  const names = db
    .prepare<[], string>(
      `select name from sqlite_master where type = 'table' and name not like 'sqlite~_%' escape '~'`,
    )
    .pluck()
    .all()
  return names.filter((name) => !NOT_DATA.includes(name)).map((name) => tableOf(db, name))
}

function tableOf(db: Database, name: string): WholeTable {
  const found = db
    .prepare<[], { name: string; type: string }>(`select name, type from pragma_table_info('${name}')`)
    .all()
    .filter((column) => column.name !== 'rowid')
  const columns = found.map((column) => column.name)
  // rows of points name their run by its key, and rows of deleted runs wait for their removal
  const isKeyed = found.some((column) => column.name === 'run' && column.type.toLowerCase() === 'integer')
  const of = `from "${name}" as t ${isKeyed ? 'cross join runs on runs.key = t.run' : ''}`
  const shown = columns.map((column) => (isKeyed && column === 'run' ? 'runs.id as run' : `t."${column}"`))
  const select = db.prepare<[number], Record<string, StoredValue>>(
    `select t.rowid as place, ${shown.join(', ')} ${of} where t.rowid > ? order by t.rowid`,
  )
  const lastKey = db
    .prepare<[string], number>('select seq from sqlite_sequence where name = ?')
    .pluck()
    .get(name)
  return {
    name,
    columns,
    count: db.prepare<[], number>(`select count(*) ${of}`).pluck().get() as number,
    lastKey: columns.includes('key') ? (lastKey ?? 0) : 0,
    *rows(place) {
      for (const row of select.iterate(place)) {
        const values = columns.map((column) => row[column] as StoredValue)
        yield { place: row['place'] as number, values } satisfies StoredRow
      }
    },
  }
}
