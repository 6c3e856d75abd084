import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { CannotMove, type WholeData } from '../../whole-data.ts'
import { settingsOf } from '../database.ts'
import { MOVE_TABLE } from './unfinished.ts'

/** The key of the lock that the one process which moves a folder into a database holds. */
const MOVING = 0x6e6f726f
/** What the connections of a move are called in the database's list of them. */
export const MOVER = 'normwatch migrate'
/** How long to wait for the connection of a process that was killed to end. */
const PATIENCE_MS = 10_000
const RETRY_MS = 200

/**
 * Claims a database for a move: one that is empty, or holds the beginning of a move of the same folder. As long as the
 * result is open, no second process moves into it, and no server starts on it. `own` is the
 * database's process behind the caller's other connection. Throws `CannotMove`.
 */
export async function claimTarget(
  url: string,
  source: WholeData,
  own: number,
): Promise<{ close: () => Promise<void> }> {
  const client = new pg.Client(settingsOf(url, MOVER))
  client.on('error', () => undefined)
  try {
    await client.connect()
    await lock(client, own)
    const isNew = !(await exists(client, MOVE_TABLE))
    if (isNew) {
      await refuseOtherData(client, source)
      await client.query(`create table ${MOVE_TABLE} (folder text not null, mark text not null)`)
    }
    const { rows } = await client.query<{ folder: string }>(`select folder from ${MOVE_TABLE}`)
    const other = rows.find(({ folder }) => folder !== source.folder)
    if (other !== undefined) {
      throw new CannotMove(
        `The database holds a part of ${other.folder}, whose move is not finished: name an empty database.`,
      )
    }
    await refuseServer(client, isNew)
    return { close: () => client.end() }
  } catch (error) {
    await client.end().catch(() => undefined)
    throw error
  }
}

/** Waits until no connection of another move is left: one whose process was killed may still be ending its last transaction. */
async function lock(client: pg.Client, own: number): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const { rows } = await client.query<{ got: boolean }>(
      `select pg_try_advisory_lock($1) and not exists (select 1 from pg_stat_activity
         where datname = current_database() and application_name = $2 and pid not in (pg_backend_pid(), $3)) as got`,
      [MOVING, MOVER, own],
    )
    if (rows[0]?.got === true) return
    if (performance.now() > end)
      throw new CannotMove('Another process is moving a data folder into this database.')
    await pause(RETRY_MS)
  }
}

/** A server that opened the database before the table was made has a connection; one that comes later sees the table. */
async function refuseServer(client: pg.Client, isNew: boolean): Promise<void> {
  const { rowCount } = await client.query(
    `select 1 from pg_stat_activity where datname = current_database() and application_name = 'normwatch'`,
  )
  if (rowCount === 0) return
  if (isNew) await client.query(`drop table ${MOVE_TABLE}`)
  throw new CannotMove('A Normwatch server uses this database: stop it, and run the command again.')
}

async function refuseOtherData(client: pg.Client, { tables }: WholeData): Promise<void> {
  if (!(await exists(client, 'normwatch_migrations'))) {
    const { rowCount } = await client.query(
      'select 1 from pg_tables where schemaname = current_schema() limit 1',
    )
    if (rowCount !== 0)
      throw new CannotMove('The database holds tables of another program: name an empty database.')
    return
  }
  for (const { name } of tables) {
    if (!(await exists(client, name))) continue
    const { rowCount } = await client.query(`select 1 from "${name}" limit 1`)
    if (rowCount !== 0) {
      throw new CannotMove(
        'The database already holds data of Normwatch: name an empty database. If this folder was moved into it, nothing is left to do.',
      )
    }
  }
}

async function exists(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ is: boolean }>('select to_regclass($1) is not null as is', [table])
  return rows[0]?.is === true
}
