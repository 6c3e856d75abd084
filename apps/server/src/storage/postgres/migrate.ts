import { join } from 'node:path'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { layout } from '../../layout.ts'
import { firstBreaking } from '../additive.ts'
import { distributeRuns, preparesCitus } from './citus.ts'
import type { Database, Statements } from './database.ts'
import { CannotOpenDatabase } from './errors.ts'

/** The key of the lock that is held while migrating: servers that start at the same time wait for one another. */
const MIGRATING = 0x6e6f726d

/**
 * Migrates the database to this program's tables, which a Citus cluster distributes; returns how many migrations of this program
 * it has had. Servers of an older version go on meanwhile, and start: what a newer program has added, and said to be additive, is not in their way. Throws
 * `CannotOpenDatabase` when a newer program has changed the tables otherwise.
 */
export async function migrate(db: Database): Promise<number> {
  const migrations = readMigrationFiles({ migrationsFolder: join(layout.migrations, 'postgres') })
  const known = new Set(migrations.map(({ hash }) => hash))
  await db.unhurried(async (on) => {
    await on.run('select pg_advisory_xact_lock(?)', MIGRATING)
    const isCitus = await preparesCitus(on)
    const rows = await journal(on)
    const applied = new Set(rows.map(({ hash }) => hash))
    if (rows.some(({ hash, additive }) => !known.has(hash) && additive !== true)) {
      throw new CannotOpenDatabase(
        'The data in the database was written by a newer version of Normwatch, which changed its tables: start that version, or use another database.',
      )
    }
    for (const { hash, sql, folderMillis } of migrations) {
      if (applied.has(hash)) continue
      for (const statement of sql) await on.run(statement)
      await on.run(
        'insert into normwatch_migrations (hash, created_at, additive) values (?, ?, ?)',
        ...[hash, folderMillis, firstBreaking(sql) === undefined],
      )
    }
    if (isCitus) await distributeRuns(on)
  })
  return migrations.length
}

interface Applied {
  readonly hash: string
  /** `null`: not known, as the program that applied it did not say. */
  readonly additive: boolean | null
}

/** The migrations that the database has had. */
async function journal(on: Statements): Promise<Applied[]> {
  await on.run(
    'create table if not exists normwatch_migrations (id bigint generated always as identity primary key, hash text not null, created_at bigint, additive boolean)',
  )
  const isOlder = await on.get(
    `select 1 where not exists (select from pg_attribute
       where attrelid = 'normwatch_migrations'::regclass and attname = 'additive')`,
  )
  // only where it is needed: a backup under way would make it wait
  if (isOlder !== undefined) await on.run('alter table normwatch_migrations add column additive boolean')
  return on.all<Applied>('select hash, additive from normwatch_migrations')
}
