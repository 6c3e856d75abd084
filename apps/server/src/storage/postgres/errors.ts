import { StoreUnavailable } from '../store.ts'

/** The database cannot be used; `message` says why, in one sentence for the person who starts the server. */
export class CannotOpenDatabase extends Error {
  override readonly name = 'CannotOpenDatabase'
}

/** Another server changed the run meanwhile: what was read is outdated. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken'
}

export const READ_ONLY = 'The database is read-only: it may be a standby.'

/** SQLSTATE codes and classes, and errors of the connection; the first that fits. */
const sentences: readonly (readonly [code: string, sentence: string])[] = [
  ['25006', READ_ONLY],
  ['53100', "The database's disk is full."],
  ['53300', 'The database accepts no more connections.'],
  ['53', 'The database has too few resources.'],
  ['57P03', 'The database is starting or recovering.'],
  ['57014', 'The database took too long to answer.'],
  ['55P03', 'The database took too long to answer.'],
  ['57P', 'The database is shutting down.'],
  ['28', 'The database refused the user or the password.'],
  ['3D000', 'The database does not exist.'],
  ['42501', 'The database refused access to its tables.'],
  ['XX001', 'The data in the database is damaged.'],
  ['XX002', 'The data in the database is damaged.'],
  ['08', 'The connection to the database was lost.'],
  ['58', 'The database reports an error of its system.'],
  ['ECONNREFUSED', 'The database cannot be reached.'],
  ['ENOENT', 'The database cannot be reached.'],
  ['ENOTFOUND', 'The database cannot be reached.'],
  ['EAI_AGAIN', 'The database cannot be reached.'],
  ['EHOSTUNREACH', 'The database cannot be reached.'],
  ['ENETUNREACH', 'The database cannot be reached.'],
  ['ETIMEDOUT', 'The connection to the database was lost.'],
  ['ECONNRESET', 'The connection to the database was lost.'],
  ['EPIPE', 'The connection to the database was lost.'],
]

/** What the driver throws without a code when a connection ends or times out. */
const LOST = /terminated|timeout|not queryable|Client was closed|connection error/i

/** The error as `StoreUnavailable` where it says that the store cannot be read or written now, else as it is. */
export function asUnavailable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error
  const code = 'code' in error ? String(error.code) : undefined
  const sentence = code && sentences.find(([start]) => code.startsWith(start))?.[1]
  if (sentence !== undefined && sentence !== '') return new StoreUnavailable(sentence, { cause: error })
  if (code === undefined && LOST.test(error.message)) {
    const isSlow = /timeout/i.test(error.message)
    const why = isSlow ? 'The database took too long to answer.' : 'The connection to the database was lost.'
    return new StoreUnavailable(why, { cause: error })
  }
  return error
}

/** A deadlock or a serialization failure: worth another try. */
export const isTransient = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '40001' || error.code === '40P01')

/** Whether a statement gave up waiting for a row that another transaction changes. */
export const isLockTimeout = ({ cause }: StoreUnavailable): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === '55P03'

/** Whether it is an error that the database itself sent. */
export const hasAnswered = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && 'severity' in error

/** Whether a connection is of no more use after this error: it is lost, or reaches a server that may only be read. */
export const isEndOfConnection = (error: unknown): boolean =>
  hasAnswered(error)
    ? /^(08|57P|25006)/.test(String((error as Error & { code: unknown }).code))
    : asUnavailable(error) !== error
