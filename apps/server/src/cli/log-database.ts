import { LogRefused, type SqlRow } from '@normwatch/importers'
import { isSqliteError, openDatabase } from '../storage/sqlite/engine/database.ts'

/** Milliseconds to wait while the writing tool locks the file. */
const LOCKED_MS = 5_000

/** Rows of a query over another tool's SQLite file, which is only read. Throws `LogRefused` where SQLite finds it broken. */
export function* queryLog(path: string, sql: string, values: readonly string[]): Generator<SqlRow> {
  try {
    const database = openDatabase(path, { readonly: true, fileMustExist: true, timeout: LOCKED_MS })
    try {
      yield* database.prepare<string[], SqlRow>(sql).iterate(...values)
    } finally {
      database.close()
    }
  } catch (error) {
    if (!isSqliteError(error)) throw error
    throw new LogRefused(`SQLite cannot read the file: ${error.message}.`, { cause: error })
  }
}
