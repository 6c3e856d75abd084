import { accessSync, constants, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { CannotOpenStore } from './store-errors.ts'
import { isSqliteError, openDatabase, type Database } from './database.ts'

/** The name of the data file in its folder. */
export const FILE = 'normwatch.db'

/** Why a folder could not be made. On a read-only disk Node reports ENOENT where several folders are to be made at once. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not make it',
  EROFS: 'its disk is read-only',
  ENOENT: 'its disk is read-only',
}

/**
 * Makes the folder where it is missing. Throws `CannotOpenStore` where this user may not make it, or may not write it or the file
 * in it, as when a container's volume is root's.
 */
export function makeOwnFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? '']
    if (reason === undefined) throw error
    const sentence = `The data folder ${folder} cannot be used: ${reason}; name another with --data or NORMWATCH_DATA.`
    throw new CannotOpenStore(sentence, { cause: error })
  }
  for (const path of [folder, join(folder, FILE)]) {
    try {
      accessSync(path, constants.R_OK | constants.W_OK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EACCES') continue
      const user = process.getuid?.()
      const mend =
        user === undefined ? 'give it to this user.' : `chown ${user} ${path} gives it to this user.`
      throw new CannotOpenStore(`${path} may not be read and written by this user: ${mend}`, { cause: error })
    }
  }
}

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
