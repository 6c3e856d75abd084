import type { Database } from './database.ts'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { layout } from '../../../layout.ts'
import { CannotOpenStore } from './store-errors.ts'

const { migrations: migrationsFolder } = layout

/** As drizzle's own migrator keeps it, which would load all of drizzle at every start. */
const JOURNAL =
  'create table if not exists __drizzle_migrations (id integer primary key, hash text not null, created_at numeric)'

/** Brings an older data file to this program's tables. Throws `CannotOpenStore` when it comes from a newer program. */
export function migrate(db: Database): void {
  const migrations = readMigrationFiles({ migrationsFolder })
  const known = new Set(migrations.map(({ hash }) => hash))
  const applied = new Set(appliedHashes(db))
  if ([...applied].some((hash) => !known.has(hash))) {
    throw new CannotOpenStore(
      `The data in ${db.name} was written by a newer version of Normwatch: start that version, or use another folder.`,
    )
  }
  db.transaction(() => {
    db.exec(JOURNAL)
    const note = db.prepare<[string, number]>(
      'insert into __drizzle_migrations (hash, created_at) values (?, ?)',
    )
    for (const { hash, sql, folderMillis } of migrations) {
      if (applied.has(hash)) continue
      for (const statement of sql) db.exec(statement)
      note.run(hash, folderMillis)
    }
  }).immediate()
}

/** How many migrations the file has had, and how many this program knows. */
export function migrationsOf(db: Database): { applied: number; known: number } {
  return { applied: appliedHashes(db).length, known: knownHashes().size }
}

function knownHashes(): ReadonlySet<string> {
  return new Set(readMigrationFiles({ migrationsFolder }).map(({ hash }) => hash))
}

function appliedHashes(db: Database): readonly string[] {
  const isFirst =
    db.prepare("select 1 from sqlite_master where name = '__drizzle_migrations'").get() === undefined
  return isFirst ? [] : db.prepare<[], string>('select hash from __drizzle_migrations').pluck().all()
}
