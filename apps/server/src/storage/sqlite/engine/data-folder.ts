import { join } from 'node:path'
import { CannotOpenStore } from './store-errors.ts'
import { isSqliteError, openDatabase, type Database } from './database.ts'

/** The name of the data file in its folder. */
export const FILE = 'normwatch.db'

/**
 * Keeps other processes out of a data folder, for as long as the result is open. The operating system lets go of it
 * when the process ends, however it ends.
 */
export function lockFolder(folder: string): Database {
  const lock = openDatabase(join(folder, 'normwatch.lock'), { timeout: 0 })
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if (isSqliteError(error) && error.code.startsWith('SQLITE_BUSY')) {
      throw new CannotOpenStore(`The data folder ${folder} is in use by another Normwatch process.`, {
        cause: error,
      })
    }
    throw error
  }
}
