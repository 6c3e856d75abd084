import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { layout } from '../../layout.ts'
import type { Database } from './database.ts'
import { CannotOpenDatabase } from './errors.ts'

/** The key of the lock that is held while migrating: servers that start at the same time wait for one another. */
const MIGRATING = 0x6e6f726d

/** Migrates the database to this program's tables; returns how many migrations it has had. Throws `CannotOpenDatabase` when it comes from a newer program. */
export async function migrate(db: Database): Promise<number> {
  const migrations = readMigrationFiles({ migrationsFolder: join(layout.migrations, 'postgres') })
  const known = new Set(migrations.map(({ hash }) => hash))
  await db.transaction(async (on) => {
    await on.run('select pg_advisory_xact_lock(?)', MIGRATING)
    await on.run(
      'create table if not exists normwatch_migrations (id bigint generated always as identity primary key, hash text not null, created_at bigint)',
    )
    const rows = await on.all<{ hash: string }>('select hash from normwatch_migrations')
    const applied = new Set(rows.map(({ hash }) => hash))
    if ([...applied].some((hash) => !known.has(hash))) {
      throw new CannotOpenDatabase(
        'The data in the database was written by a newer version of Normwatch: start that version, or use another database.',
      )
    }
    for (const { hash, sql, folderMillis } of migrations) {
      if (applied.has(hash)) continue
      for (const statement of sql) await on.run(statement)
      await on.run('insert into normwatch_migrations (hash, created_at) values (?, ?)', hash, folderMillis)
    }
  })
  return migrations.length
}
