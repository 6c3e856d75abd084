import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { findDamage } from '../points/verify.ts'
import { FILE } from '../engine/data-folder.ts'
import { asUnavailable } from '../engine/store-errors.ts'
import { openDatabase } from '../engine/database.ts'

/** A copy of the data could not be made; `message` says why, in one sentence. */
export class CannotBackUp extends Error {
  override readonly name = 'CannotBackUp'
}

/**
 * Writes a copy of the data in `folder` to `file`, as it stood at one instant after the call, compacted, checked and on
 * the disk; the folder may be in use by a server, which goes on writing meanwhile. The copy is a data file: put in an
 * empty folder as `normwatch.db`, it is what a server starts with. Gives its length in bytes. Throws `CannotBackUp`; a
 * `file` that exists is never written over, and one that appears is whole.
 */
export function backUpSqlite(folder: string, file: string): number {
  const source = join(resolve(folder), FILE)
  const target = resolve(file)
  expectReadable(source)
  if (existsSync(target)) {
    throw new CannotBackUp(`${target} exists already: name another file, or remove this one.`)
  }
  const part = `${target}.part`
  try {
    // for its owner alone: it holds the secrets of channels
    closeSync(openSync(part, 'w', 0o600))
    copy(source, part)
    check(part)
    toDisk(part)
    renameSync(part, target)
    toDisk(dirname(target))
    return statSync(target).size
  } catch (error) {
    rmSync(part, { force: true })
    throw error instanceof CannotBackUp
      ? error
      : new CannotBackUp(sentenceOf(error, target), { cause: error })
  }
}

function expectReadable(source: string): void {
  try {
    accessSync(source, constants.R_OK)
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const words = isMissing
      ? `There is no data in ${dirname(source)}.`
      : `${source} may not be read by this user.`
    throw new CannotBackUp(words, { cause: error })
  }
}

/** A reader of the log sees every commit that has ended, and holds no writer up. */
function copy(source: string, part: string): void {
  const db = openDatabase(source, { readonly: true, fileMustExist: true })
  try {
    db.prepare('vacuum into ?').run(part)
  } finally {
    db.close()
  }
}

function check(part: string): void {
  const db = openDatabase(part, { readonly: true })
  try {
    const [fault] = db.prepare<[], string>('pragma integrity_check(1)').pluck().all()
    if (fault !== 'ok') throw new CannotBackUp(`The copy is not whole, and was removed: ${fault}.`)
    const [damage] = findDamage(db)
    if (damage !== undefined) {
      throw new CannotBackUp(`The data is damaged, and the copy was removed: ${damage}.`)
    }
  } finally {
    db.close()
  }
}

function toDisk(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

function sentenceOf(error: unknown, target: string): string {
  const { code = '', message } = error as Error & { code?: string }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') return `There is no room for the copy at ${target}.`
  if (code.startsWith('SQLITE_IOERR_WRITE')) return `The copy could not be written to ${target}.`
  if (!code.startsWith('SQLITE')) return `${target} cannot be written: ${message}.`
  const { message: reason } = asUnavailable(error) as Error
  return `The copy was not made: ${reason}`
}
