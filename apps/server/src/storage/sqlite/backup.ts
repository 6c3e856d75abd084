import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import Database from 'better-sqlite3'
import { asUnavailable } from './unavailable.ts'
import { FILE } from './open.ts'

/** A copy of the data could not be made; `message` says why, in one sentence. */
export class CannotBackUp extends Error {
  override readonly name = 'CannotBackUp'
}

/**
 * Writes a copy of the data in `folder` to `file`, as it stood at one instant, compacted; the folder may be in use by a
 * server, which goes on writing meanwhile. The copy is a data file: put in an empty folder as `normwatch.db`, it is
 * what a server starts with. Throws `CannotBackUp`; a `file` that exists is never written over.
 */
export function backUpSqlite(folder: string, file: string): void {
  const source = join(resolve(folder), FILE)
  const target = resolve(file)
  if (!existsSync(source)) throw new CannotBackUp(`There is no data in ${resolve(folder)}.`)
  if (existsSync(target)) throw new CannotBackUp(`${target} exists already.`)
  let db: Database.Database | undefined
  try {
    db = new Database(source, { fileMustExist: true })
    db.prepare('vacuum into ?').run(target)
  } catch (error) {
    const cause = asUnavailable(error)
    throw new CannotBackUp(
      `The copy was not made: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause: error,
      },
    )
  } finally {
    db?.close()
  }
}
