import { fileURLToPath } from 'node:url'
import type { Database } from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { migrate as applyMigrations } from 'drizzle-orm/better-sqlite3/migrator'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { CannotOpenStore } from './cannot-open-store.ts'

const migrationsFolder = fileURLToPath(new URL('../../../../../drizzle', import.meta.url))

/** Brings an older data file to this program's tables. Throws `CannotOpenStore` when it comes from a newer program. */
export function migrate(db: Database): void {
  const known = knownHashes()
  const applied = appliedHashes(db)
  if (applied.some((hash) => !known.has(hash))) {
    throw new CannotOpenStore(
      `The data in ${db.name} was written by a newer version of Normwatch: start that version, or use another folder.`,
    )
  }
  applyMigrations(drizzle(db), { migrationsFolder })
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
