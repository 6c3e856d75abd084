import { DataDamaged } from '../../run/damage.ts'
import { StoreUnavailable } from '../../store.ts'
import { WalSyncError } from './wal-sync.ts'
import { isSqliteError } from './database.ts'

const DAMAGE = /^SQLITE_(CORRUPT|NOTADB)/

const sentences: readonly (readonly [code: string, sentence: string])[] = [
  ['SQLITE_FULL', 'The disk that holds the data is full.'],
  ['SQLITE_READONLY', 'The data file cannot be written: it or its folder is read-only.'],
  ['SQLITE_BUSY', 'The data file is locked by another program.'],
  ['SQLITE_LOCKED', 'The data file is locked by another program.'],
  ['SQLITE_CORRUPT', 'The data file is damaged.'],
  ['SQLITE_NOTADB', 'The data file is damaged: it is not an SQLite database.'],
  ['SQLITE_CANTOPEN', 'The data file cannot be opened.'],
  ['SQLITE_IOERR', 'The disk that holds the data reports an error.'],
  ['SQLITE_NOMEM', 'There is too little memory to read or write the data.'],
  ['SQLITE_PERM', 'The data file may not be opened by this user.'],
]

/** The error as `StoreUnavailable` where it says that the store cannot be read or written now, else as it is. */
export function asUnavailable(error: unknown): unknown {
  if (isSqliteError(error)) {
    const sentence = sentences.find(([code]) => error.code.startsWith(code))?.[1]
    if (sentence === undefined) return error
    const Kind = DAMAGE.test(error.code) ? DataDamaged : StoreUnavailable
    return new Kind(sentence, { cause: error })
  }
  if (error instanceof WalSyncError) {
    return new StoreUnavailable('The disk that holds the data reports an error.', { cause: error })
  }
  if (error instanceof TypeError && error.message === 'The database connection is not open') {
    return new StoreUnavailable('The store is closed.', { cause: error })
  }
  return error
}

/** The data folder cannot be used; `message` says why, in one sentence for the person who starts the server. */
export class CannotOpenStore extends Error {
  override readonly name = 'CannotOpenStore'
  /** Another process holds the folder. */
  get isInUse(): boolean {
    return (
      this.cause instanceof Error && 'code' in this.cause && String(this.cause.code).startsWith('SQLITE_BUSY')
    )
  }
}
