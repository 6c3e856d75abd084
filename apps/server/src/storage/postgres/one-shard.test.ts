import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { ask, emptyDatabase } from '../../../test/postgres.ts'
import { append, columns, judgement, record } from '../store.fixture.ts'
import type { Store } from '../store.ts'
import { openPostgresStore } from './open.ts'

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
  const ask = pg.Client.prototype.query as (text: string, values?: unknown[]) => Promise<pg.QueryResult>
  const end = async (client: pg.Client, statements: string[]) => {
    const { rows } = await ask.call<pg.Client, [string], Promise<pg.QueryResult<{ name: string }>>>(
      client,
      `select distinct c.relname as name from pg_locks l join pg_class c on c.oid = l.relation
       where l.pid = pg_backend_pid() and c.relname ~ '_shard_[0-9]+$'`,
    )
    const shards = new Set(rows.map(({ name }) => name.replace(/^.*_/, '')))
    transactions.push({ shards, statements })
  }
  async function watched(this: pg.Client, text: string, values?: unknown[]): Promise<pg.QueryResult> {
    const statements = open.get(this)
    if (text === 'begin') open.set(this, [])
    if (text === 'commit') await end(this, statements ?? [])
    if (text === 'commit' || text === 'rollback') open.delete(this)
    if (['begin', 'commit', 'rollback'].includes(text)) return ask.call(this, text, values)
    if (statements !== undefined) {
      statements.push(text)
      return ask.call(this, text, values)
    }
    await ask.call(this, 'begin')
    const result = await ask.call(this, text, values)
    await end(this, [text])
    await ask.call(this, 'commit')
    return result
  }
  pg.Client.prototype.query = watched as unknown as typeof pg.Client.prototype.query
  onTestFinished(() => void (pg.Client.prototype.query = ask as unknown as typeof pg.Client.prototype.query))
  return transactions
}

/** What a training and those who look at it do, over and over. */
async function use(store: Store, run: string): Promise<void> {
  const clip = { mode: 'norm', max_norm: 1 } as const
  await store.runs.put(run, { clip, config: { lr: 0.1 } }, 1)
  for (let at = 0; at < 6_000; at += 500) {
    const step = Array.from({ length: 500 }, (_, i) => at + i)
    const readings = { grad_norm: step.map((one) => one % 7), loss: step, 'layers/a': step }
    await append(store, { run, columns: columns(step, readings), state: at % 1000 === 0 ? '{}' : undefined })
  }
  // late and repeated steps rewrite leaves
  await append(store, { run, columns: columns([3, 4, 70_000], { loss: [1, 2, 3] }) })
  await store.points.detection(run)
  await store.points.series({ run, metrics: ['grad_norm', 'loss'], maxPoints: 100 })
  await store.points.series({ run, metrics: ['loss'], from: 100, to: 900, maxPoints: 1000 })
  for await (const _ of store.points.read(run, {})) void _
  for await (const _ of store.points.readings(run, 'loss', {})) void _
  await store.points.metrics(run)
  await store.runs.get(run)
  await store.runs.put(run, { clip: { mode: 'norm', max_norm: 2 } }, 2)
  await store.events.put(run, [{ step: 1, time: 1, label: 'a', text: null }])
  await store.events.list(run, {})
  await store.settings.put({ run }, {})
  await store.settings.get({ run })
  await record(store, run, { judgement })
  await store.runs.patch(run, { notes: 'kept', truncate_after: 3000 }, 3)
  await store.runs.patch(run, { status: 'finished' }, 4)
}

it(
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
    await Promise.all(['a', 'b', 'c'].map((run) => use(store, run)))
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
