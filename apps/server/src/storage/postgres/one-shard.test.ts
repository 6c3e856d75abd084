import pg from 'pg'
import { expect, inject, it, onTestFinished } from 'vitest'
import { ask, emptyDatabase } from '../../../test/postgres.ts'
import { openPostgresStore } from './open.ts'
import { useRun } from './use-run.fixture.ts'

/** Tables that are distributed by run, with the column that holds its id, and what must be unique in them. */
const OF_RUNS = {
  runs: ['id', 'id'],
  run_documents: ['run', 'run'],
  run_events: ['run', 'run, step, label'],
  metrics: ['run', 'run, number'],
  leaves: ['run', 'run, start, block'],
  summaries: ['run', 'run, block, first'],
  tail: ['run', 'run, seq'],
  detections: ['run', 'run'],
  findings: ['run', 'run, id'],
  run_settings: ['run', 'run'],
} as const
const SHARDS = 16

/**
 * Puts each table of runs into shards by a hash of the run, as Citus does, with PostgreSQL's own partitions. Its planner
 * locks only those that a statement's own conditions leave: a statement that does not name its run locks all.
 */
async function shard(url: string): Promise<void> {
  for (const [table, [run, unique]] of Object.entries(OF_RUNS)) {
    const shards = Array.from(
      { length: SHARDS },
      (_, i) =>
        `create table ${table}_shard_${i} partition of ${table} for values with (modulus ${SHARDS}, remainder ${i});`,
    )
    await ask(
      url,
      `alter table ${table} rename to ${table}_whole;
       create table ${table} (like ${table}_whole including defaults) partition by hash (${run});
       ${shards.join('\n')}
       alter table ${table} add primary key (${unique});`,
    )
    const [key] = await ask<{ sequence: string | null }>(
      url,
      `select pg_get_serial_sequence('${table}_whole', attname) as sequence from pg_attribute
       where attrelid = '${table}_whole'::regclass and attidentity <> ''`,
    )
    if (key !== undefined)
      await ask(url, `alter table ${table} alter column key set default nextval('${key.sequence}')`)
  }
}

interface Touched {
  /** Numbers of the shards that the transaction locked. */
  readonly shards: ReadonlySet<string>
  readonly statements: readonly string[]
}

/** Notes of every transaction from now on which shards it touches. Statements outside one get one of their own. */
function watchTransactions(): Touched[] {
  const transactions: Touched[] = []
  const open = new WeakMap<pg.Client, string[]>()
  const ask = pg.Client.prototype.query as (
    query: string | pg.QueryConfig,
    values?: unknown[],
  ) => Promise<pg.QueryResult>
  const end = async (client: pg.Client, statements: string[]) => {
    const { rows } = await ask.call<pg.Client, [string], Promise<pg.QueryResult<{ name: string }>>>(
      client,
      `select distinct c.relname as name from pg_locks l join pg_class c on c.oid = l.relation
       where l.pid = pg_backend_pid() and c.relname ~ '_shard_[0-9]+$'`,
    )
    const shards = new Set(rows.map(({ name }) => name.replace(/^.*_/, '')))
    transactions.push({ shards, statements })
  }
  async function watched(
    this: pg.Client,
    query: string | pg.QueryConfig,
    values?: unknown[],
  ): Promise<pg.QueryResult> {
    const text = typeof query === 'string' ? query : query.text
    const statements = open.get(this)
    if (text === 'begin') open.set(this, [])
    if (text === 'commit') await end(this, statements ?? [])
    if (text === 'commit' || text === 'rollback') open.delete(this)
    if (['begin', 'commit', 'rollback'].includes(text)) return ask.call(this, query, values)
    if (statements !== undefined) {
      statements.push(text)
      return ask.call(this, query, values)
    }
    await ask.call(this, 'begin')
    const result = await ask.call(this, query, values)
    await end(this, [text])
    await ask.call(this, 'commit')
    return result
  }
  pg.Client.prototype.query = watched as unknown as typeof pg.Client.prototype.query
  onTestFinished(() => void (pg.Client.prototype.query = ask as unknown as typeof pg.Client.prototype.query))
  return transactions
}

// Citus has shards of its own
it.runIf(inject('postgres').workers.length === 0)(
  'touches one shard in every transaction of a run: appends, charts, the detector, changes',
  { timeout: 300_000 },
  async () => {
    const url = await emptyDatabase()
    await (await openPostgresStore({ url })).close()
    await shard(url)
    // a plan made for any run would lock the shards of all
    await ask(
      url,
      `do $$ begin execute format('alter database %I set plan_cache_mode = force_custom_plan', current_database()); end $$`,
    )
    const store = await openPostgresStore({ url })
    onTestFinished(() => store.close())
    const transactions = watchTransactions()
    // one after the other: without Citus, units of several runs at the same moment go together
    for (const run of ['a', 'b', 'c']) await useRun(store, run)
    const touched = transactions.filter(({ shards }) => shards.size > 0)
    expect(touched.length).toBeGreaterThan(100)
    // the three runs are not all in one shard
    expect(new Set(touched.flatMap(({ shards }) => [...shards])).size).toBeGreaterThan(1)
    const several = touched.filter(({ shards }) => shards.size > 1)
    expect([...new Set(several.flatMap(({ statements }) => statements))]).toEqual([])
    // a statement that names no run is seen
    await store.runs.list({ limit: 50 })
    expect(transactions.at(-1)?.shards.size).toBe(SHARDS)
  },
)
