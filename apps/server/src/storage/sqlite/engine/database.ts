import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'
import { openNodeDatabase } from './node-sqlite.ts'

/** An open data file. What is written against is better-sqlite3; Node's own SQLite is made to look like it. */
export type Database = BetterSqlite3.Database

export interface DatabaseOptions {
  readonly readonly?: boolean
  readonly fileMustExist?: boolean
  /** Milliseconds to wait for another program that has locked the file. */
  readonly timeout?: number
}

/** Opens a data file; throws an error whose `code` is SQLite's, such as `SQLITE_CANTOPEN`. */
type Driver = (file: string, options?: DatabaseOptions) => Database

export const drivers = { 'better-sqlite3': openBetterSqlite, 'node:sqlite': openNodeDatabase } as const
let driver: Driver | undefined

export function openDatabase(file: string, options?: DatabaseOptions): Database {
  driver ??= canLoadBetterSqlite() ? drivers['better-sqlite3'] : drivers['node:sqlite']
  return driver(file, options)
}

/** For tests: what is opened from now on is opened by this driver. */
export function useDriver(name: keyof typeof drivers): void {
  driver = drivers[name]
}

/** Whether SQLite itself says that something went wrong, and its name for that. */
export function isSqliteError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_')
}

/** Its binary asks for a recent C library: older clusters lack it. */
function canLoadBetterSqlite(): boolean {
  try {
    openBetterSqlite(':memory:').close()
    return true
  } catch {
    return false
  }
}

function openBetterSqlite(file: string, options: DatabaseOptions = {}): Database {
  const Open = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3
  return new Open(file, options)
}
