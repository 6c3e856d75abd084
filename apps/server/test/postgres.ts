import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { addWorkers, startCitus } from '../../../scripts/citus.ts'
import { startPostgres } from '../../../scripts/postgres.ts'
import { openPostgresStore } from '../src/storage/postgres/open.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { readonly bin: string; readonly url: string; readonly workers: readonly string[] }
  }
}

/** The database that others are copied from: to migrate each takes several times as long. */
const MIGRATED = 'migrated'
const SETTINGS = { fsync: 'off', max_connections: '300' }

/**
 * One cluster for all tests of the project: vitest calls this before the first of them. With NORMWATCH_TEST_CITUS it is
 * one of Citus, a coordinator and two workers, whose extension must be installed.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster =
    process.env['NORMWATCH_TEST_CITUS'] === undefined
      ? { ...(await startPostgres(SETTINGS)), workers: [] }
      : await startCitus({ ...SETTINGS, max_connections: '1000' })
  project.provide('postgres', {
    bin: cluster.bin,
    url: cluster.url('DATABASE'),
    workers: cluster.workers.map((worker) => worker.url('DATABASE')),
  })
  await ask(cluster.url('postgres'), `create database ${MIGRATED}`)
  await (await openPostgresStore({ url: cluster.url(MIGRATED) })).close()
  return () => cluster.stop()
}

/** Runs a statement beside the store. */
export async function ask<T extends object>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<T>(sql)).rows
  } finally {
    await client.end()
  }
}

/** Runs a statement in a database on every node; without Citus there is one. Gives the rows of each. */
export const askEverywhere = <T extends object>(url: string, sql: string): Promise<T[][]> =>
  Promise.all(addresses(nameIn(url)).map((node) => ask<T>(node, sql)))

/** How a database is reached on each node, the coordinator first; without Citus there is one node. */
const addresses = (database: string): readonly [string, ...string[]] => {
  const { url, workers } = inject('postgres')
  return [url.replace('DATABASE', database), ...workers.map((worker) => worker.replace('DATABASE', database))]
}

const nameIn = (url: string): string => /\/([^/?]+)(?:\?|$)/.exec(url)?.[1] ?? ''

/** The address of a new database without tables, and without an extension. */
export const plainDatabase = (): Promise<string> => newDatabase('template1')

/** The address of a new database without tables. */
export async function emptyDatabase(): Promise<string> {
  const url = await plainDatabase()
  await formCluster(url)
  return url
}

/** The address of a new database that has this program's tables, without rows; in a Citus cluster, without tables. */
export const migratedDatabase = (): Promise<string> =>
  inject('postgres').workers.length > 0 ? emptyDatabase() : newDatabase(MIGRATED)

async function newDatabase(template: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const nodes = addresses('postgres')
  await Promise.all(nodes.map((url) => ask(url, `create database ${name} template ${template}`)))
  return addresses(name)[0]
}

/**
 * Makes a database one of a Citus cluster, where tests run on one. One database at a time: each time, Citus writes the roles
 * of the whole cluster.
 */
export async function formCluster(url: string): Promise<void> {
  const [coordinator, ...workers] = addresses(nameIn(url))
  if (workers.length === 0) return
  const turn = new pg.Client({ connectionString: addresses('postgres')[0] })
  await turn.connect()
  try {
    await turn.query('select pg_advisory_lock(1)')
    await addWorkers(coordinator, workers)
  } finally {
    await turn.end()
  }
}

/** Databases by the data folder that they stand in for. */
const ofFolders = new Map<string, Promise<string>>()

/** The database that stands in for a data folder, in tests that run on PostgreSQL; `undefined` in the others. */
export async function databaseInPlaceOf(folder: string): Promise<string | undefined> {
  if ((inject('postgres') as { url: string } | undefined) === undefined) return undefined
  let database = ofFolders.get(folder)
  if (database === undefined) ofFolders.set(folder, (database = migratedDatabase()))
  return database
}

/** A copy of a database as its backup restores it. */
export async function restoredBackup(url: string): Promise<string> {
  const { bin } = inject('postgres')
  const dump = execFileSync(join(bin, 'pg_dump'), ['--no-owner', url], { maxBuffer: 2 ** 30 })
  const copy = await emptyDatabase()
  execFileSync(join(bin, 'psql'), ['-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', copy], { input: dump })
  return copy
}
