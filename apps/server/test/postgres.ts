import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../../scripts/postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    postgres: { readonly bin: string; readonly url: string }
  }
}

/** One cluster for all tests of the project: vitest calls this before the first of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startPostgres({ fsync: 'off', max_connections: '300' })
  project.provide('postgres', { bin: cluster.bin, url: cluster.url('DATABASE') })
  return () => cluster.stop()
}

const urlOf = (database: string) => inject('postgres').url.replace('DATABASE', database)

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

/** The address of a new database without tables. */
export async function emptyDatabase(): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await ask(urlOf('postgres'), `create database ${name}`)
  return urlOf(name)
}

/** Databases by the data folder that they stand in for. */
const ofFolders = new Map<string, Promise<string>>()

/** The database that stands in for a data folder, in tests that run on PostgreSQL; `undefined` in the others. */
export async function databaseInPlaceOf(folder: string): Promise<string | undefined> {
  if ((inject('postgres') as { url: string } | undefined) === undefined) return undefined
  let database = ofFolders.get(folder)
  if (database === undefined) ofFolders.set(folder, (database = emptyDatabase()))
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
