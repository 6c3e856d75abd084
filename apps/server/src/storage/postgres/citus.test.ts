import pg from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { ask, emptyDatabase, formCluster, plainDatabase } from '../../../test/postgres.ts'
import { append, columns } from '../store.fixture.ts'
import { openPostgresStore } from './open.ts'
import { useRun } from './use-run.fixture.ts'

interface Sent {
  readonly statements: string[]
  /** The worker and the shard of each command, of one shard the same whatever its table. */
  readonly places: Set<string>
  isPrepared: boolean
}

/** Notes of every transaction from now on what the coordinator sends to workers for it. */
async function watchTransactions(url: string): Promise<Sent[]> {
  const rows = await ask<{ shardid: string; shardminvalue: string }>(
    url,
    'select shardid, shardminvalue from pg_dist_shard',
  )
  const shards = new Map(rows.map(({ shardid, shardminvalue }) => [shardid, shardminvalue]))
  const transactions: Sent[] = []
  const under = new WeakMap<pg.Client, Sent>()
  const watched = new WeakSet<pg.Client>()
  const query = pg.Client.prototype.query as (...given: unknown[]) => Promise<pg.QueryResult>
  function begin(client: pg.Client): Sent {
    if (!watched.has(client)) {
      watched.add(client)
      client.on('notice', ({ message = '', detail = '' }) => {
        const sent = under.get(client)
        if (sent === undefined || !message.startsWith('issuing ')) return
        sent.places.add(/on server (\S+)/.exec(detail)?.[1] ?? detail)
        if (/^issuing (?:begin;)?\s*prepare transaction/i.test(message)) sent.isPrepared = true
        for (const [, id] of message.matchAll(/_(\d{6,})\b/g)) {
          const shard = shards.get(id as string)
          if (shard !== undefined) sent.places.add(shard)
        }
      })
    }
    const sent: Sent = { statements: [], places: new Set(), isPrepared: false }
    under.set(client, sent)
    transactions.push(sent)
    return sent
  }
  const isOpen = new WeakSet<pg.Client>()
  async function watching(this: pg.Client, ...given: unknown[]): Promise<pg.QueryResult> {
    const [first] = given as [string | { text: string }]
    const text = typeof first === 'string' ? first : first.text
    if (text === 'begin') isOpen.add(this)
    const sent = text === 'begin' || !isOpen.has(this) ? begin(this) : (under.get(this) as Sent)
    sent.statements.push(text)
    try {
      return await query.apply(this, given)
    } finally {
      if (text === 'commit' || text === 'rollback') isOpen.delete(this)
    }
  }
  pg.Client.prototype.query = watching as unknown as typeof query & typeof pg.Client.prototype.query
  onTestFinished(() => void (pg.Client.prototype.query = query as typeof pg.Client.prototype.query))
  return transactions
}

describe.runIf(inject('postgres').workers.length > 0)('in a Citus cluster', () => {
  it('keeps every transaction of runs in one shard, without a second phase of its commit', async () => {
    const url = await emptyDatabase()
    await (await openPostgresStore({ url })).close()
    await ask(
      url,
      `do $$ begin
         execute format('alter database %I set citus.log_remote_commands = on', current_database());
         execute format('alter database %I set client_min_messages = log', current_database());
       end $$`,
    )
    const store = await openPostgresStore({ url })
    onTestFinished(() => store.close())
    const transactions = await watchTransactions(url)
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((run) => useRun(store, run)))
    const sent = transactions.filter(({ places }) => places.size > 0)
    expect(sent.length).toBeGreaterThan(100)
    expect(new Set(sent.flatMap(({ places }) => [...places])).size).toBeGreaterThan(3)
    // a worker and a shard of it
    const wide = sent.filter(({ places, isPrepared }) => places.size > 2 || isPrepared)
    expect(wide.map(({ statements }) => statements)).toEqual([])
    // appends are calls that a worker took, none of which had to be made again
    const statements = sent
      .filter(({ statements }) => statements.length === 1)
      .flatMap((one) => one.statements)
    expect(statements.filter((one) => one.startsWith('call store_in_shards')).length).toBeGreaterThan(20)
    expect(statements.filter((one) => one.startsWith('select store_units'))).toEqual([])
    await store.runs.list({ limit: 50 })
    expect(transactions.at(-1)?.places.size).toBeGreaterThan(2)
  })

  it('makes four shards for each worker, or as many as the database says', async () => {
    const [own, told] = [await emptyDatabase(), await emptyDatabase()]
    await ask(
      told,
      `do $$ begin execute format('alter database %I set citus.shard_count = 3', current_database()); end $$`,
    )
    const shards = async (url: string) => {
      await (await openPostgresStore({ url })).close()
      const tables = await ask<{ count: number }>(
        url,
        'select distinct count(*)::int as count from pg_dist_shard group by logicalrelid',
      )
      return tables.map(({ count }) => count)
    }
    expect([await shards(own), await shards(told)]).toEqual([[8], [3]])
  })

  it('distributes the runs that are there when the extension comes, by whichever server starts first', async () => {
    const url = await plainDatabase()
    const before = await openPostgresStore({ url })
    for (const run of ['a', 'b', 'c']) {
      await before.runs.put(run, { clip: { mode: 'norm', max_norm: 1 } }, 1)
      await append(before, { run, columns: columns([1, 2, 3], { loss: [3, 2, 1] }) })
    }
    const listed = await before.runs.list({ limit: 50 })
    await before.close()
    await formCluster(url)
    const stores = await Promise.all([1, 2, 3].map(() => openPostgresStore({ url })))
    onTestFinished(async () => void (await Promise.all(stores.map((store) => store.close()))))
    const [first] = stores as [(typeof stores)[0]]
    expect(await first.runs.list({ limit: 50 })).toEqual(listed)
    await append(first, { run: 'b', columns: columns([4], { loss: [0] }) })
    expect((await first.runs.get('b')).points).toBe(4)
    const [left] = await ask<{ rows: string; nodes: string }>(
      url,
      `select (select count(*) from only runs) as rows, count(distinct nodename) as nodes from citus_shards`,
    )
    expect(left).toEqual({ rows: '3', nodes: '2' })
  })

  it('loses nothing of what is appended while shards move to the other worker', async () => {
    const url = await emptyDatabase()
    const { host } = new pg.Client({ connectionString: url })
    await ask(
      url,
      `do $$ begin execute format('alter database %I set citus.local_hostname = %L', current_database(), '${host}'); end $$`,
    )
    const store = await openPostgresStore({ url })
    onTestFinished(() => store.close())
    let isMoved = false
    const logged = Array.from({ length: 12 }, async (_, i) => {
      const run = `run-${i}`
      await store.runs.put(run, {}, 0)
      let step = 0
      do await append(store, { run, columns: columns([step++], { loss: [step] }) })
      while (!isMoved)
      return { run, step }
    })
    const moved = await ask(
      url,
      `select citus_move_shard_placement(s.shardid, s.nodename, s.nodeport, n.nodename, n.nodeport, 'block_writes')
       from citus_shards s join pg_dist_node n on n.groupid > 0 and n.nodename <> s.nodename
       where s.table_name = 'runs'::regclass`,
    ).finally(() => (isMoved = true))
    expect(moved.length).toBeGreaterThan(1)
    for (const { run, step } of await Promise.all(logged))
      expect((await store.runs.get(run)).points).toBe(step)
  })

  it('refuses to start on a worker', async () => {
    const url = await emptyDatabase()
    const [worker] = inject('postgres').workers
    const name = /test_\w+/.exec(url)?.[0] as string
    await expect(openPostgresStore({ url: (worker as string).replace('DATABASE', name) })).rejects.toThrow(
      'The database is a worker of a Citus cluster: name the coordinator.',
    )
  })
})
