import pg from 'pg'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { ask, askEverywhere, migratedDatabase } from '../../../test/postgres.ts'
import { append, columns } from '../store.fixture.ts'
import type { Store } from '../store.ts'
import { openPostgresStore } from './open.ts'

const RUNS = Array.from({ length: 40 }, (_, i) => `run-${i}`)

/** A store whose runs have one point each, and its database. */
async function openRuns() {
  const url = await migratedDatabase()
  const store = await openPostgresStore({ url })
  onTestFinished(() => store.close())
  await Promise.all(RUNS.map((run) => store.runs.put(run, {}, 0)))
  await Promise.all(RUNS.map((run) => log(store, run, 0)))
  return { url, store }
}

const log = (store: Store, run: string, step: number) =>
  append(store, { run, columns: columns([step], { loss: [step] }) })

const pointsOf = async (store: Store) =>
  Promise.all(RUNS.map(async (run) => (await store.runs.get(run)).points))

describe('units of several runs at the same moment', () => {
  it('are stored in fewer transactions than there are runs', async () => {
    const { url, store } = await openRuns()
    const newest = async () => {
      const nodes = await askEverywhere<{ xid: string }>(url, 'select pg_current_xact_id()::text as xid')
      return nodes.flat().reduce((sum, { xid }) => sum + Number(xid), 0)
    }
    let step = 0
    const transactions = async () => {
      const before = await newest()
      step++
      await Promise.all(RUNS.map((run) => log(store, run, step)))
      return (await newest()) - before
    }
    // those of other tests count, too; in a Citus cluster, those of each shard have a transaction, of two numbers
    await expect
      .poll(transactions)
      .toBeLessThan(RUNS.length * (inject('postgres').workers.length > 0 ? 0.9 : 0.5))
  })

  it('do not wait for a run that somebody else changes', async () => {
    const { url, store } = await openRuns()
    const other = new pg.Client({ connectionString: url })
    await other.connect()
    await other.query(`begin; select from runs where id = 'run-7' for update`)
    let isHeldStored = false
    const logged = RUNS.map(async (run) => {
      await log(store, run, 1)
      if (run === 'run-7') isHeldStored = true
    })
    await Promise.all(logged.filter((_, i) => i !== 7))
    expect(isHeldStored).toBe(false)
    await other.query('commit')
    await other.end()
    await Promise.all(logged)
    expect(await pointsOf(store)).toEqual(RUNS.map(() => 2))
  })

  it('are stored though one of them fails', async () => {
    const { url, store } = await openRuns()
    // in the way of the next batch of this run
    await ask(url, `insert into tail select id, version + 1, 0, '' from runs where id = 'run-7'`)
    const results = await Promise.allSettled(RUNS.map((run) => log(store, run, 1)))
    expect(results.map(({ status }) => status)).toEqual(
      RUNS.map((_, i) => (i === 7 ? 'rejected' : 'fulfilled')),
    )
    expect(await pointsOf(store)).toEqual(RUNS.map((_, i) => (i === 7 ? 1 : 2)))
  })

  it('are stored once each where two servers store in the same runs', async () => {
    const { url, store } = await openRuns()
    const second = await openPostgresStore({ url })
    onTestFinished(() => second.close())
    const steps = [1, 2, 3, 4, 5]
    await Promise.all(
      [store, second].flatMap((at, which) =>
        RUNS.map(async (run) => {
          for (const step of steps) await log(at, run, step * 2 + which)
        }),
      ),
    )
    expect(await pointsOf(store)).toEqual(RUNS.map(() => 1 + 2 * steps.length))
    expect(await pointsOf(second)).toEqual(await pointsOf(store))
  })
})
