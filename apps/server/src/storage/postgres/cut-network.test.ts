import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startPostgres, type Cluster } from '../../../../../scripts/postgres.ts'
import { startNetwork } from '../../../test/cut-network.ts'
import { freePort } from '../../../test/free-port.ts'
import { StoreUnavailable } from '../store.ts'
import { Database } from './database.ts'

/** How soon the database is used again. Only waiting takes time here, so a busy machine needs hardly more. */
const MOST_MS = 5_000
/** More than there are connections. */
const CLIENTS = 20
let cluster: Cluster
let port: number

beforeAll(async () => {
  port = await freePort()
  cluster = await startPostgres({ port: String(port), fsync: 'off' })
}, 120_000)
afterAll(() => cluster.stop())

async function overNetwork() {
  const network = await startNetwork(port)
  const db = new Database(`postgres://normwatch@127.0.0.1:${network.port}/postgres`)
  return { network, db }
}

/** Clients that ask again and again; when each had its newest answer. */
function ask(db: Database) {
  let isOver = false
  const answered = new Array<number>(CLIENTS).fill(0)
  const unexpected: unknown[] = []
  const clients = answered.map(async (_, i) => {
    while (!isOver) {
      try {
        await db.transaction((on) => on.get('select 1'))
        answered[i] = performance.now()
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) unexpected.push(error)
        await pause(20)
      }
    }
  })
  onTestFinished(async () => {
    isOver = true
    await Promise.all(clients)
    await db.close()
    expect(unexpected).toEqual([])
  })
  return { areAnsweredSince: (time: number) => answered.every((at) => at > time) }
}

it.each([0, 1_700, 4_000])(
  'serves everyone again within 5 s after a cut of %d ms that lost what was under way and told nobody',
  async (ms) => {
    const { network, db } = await overNetwork()
    const { areAnsweredSince } = ask(db)
    await expect.poll(() => areAnsweredSince(0)).toBe(true)
    network.cut(true)
    await pause(ms)
    network.mend()
    const mended = performance.now()
    await expect.poll(() => areAnsweredSince(mended), { interval: 10 }).toBe(true)
    expect(performance.now() - mended).toBeLessThan(MOST_MS)
  },
)

it('serves everyone within 5 s after a cut that lost attempts to connect', async () => {
  const { network, db } = await overNetwork()
  network.cut(false)
  const { areAnsweredSince } = ask(db)
  await expect.poll(() => network.connections).toBeGreaterThan(0)
  network.cut(true)
  network.mend()
  const mended = performance.now()
  await expect.poll(() => areAnsweredSince(mended), { interval: 10 }).toBe(true)
  expect(performance.now() - mended).toBeLessThan(MOST_MS)
})

it('leaves statements alone that the database works on, however long others wait for a connection', async () => {
  const { db } = await overNetwork()
  onTestFinished(() => db.close())
  const asked = Array.from({ length: CLIENTS }, (_, i) => db.get(`select ${i} as i, pg_sleep(3)`))
  expect(await Promise.all(asked)).toMatchObject(asked.map((_, i) => ({ i })))
})

it('leaves a statement alone that takes seconds to arrive', async () => {
  const { network, db } = await overNetwork()
  onTestFinished(() => db.close())
  const length = { name: 'length', sql: 'select octet_length(?::bytea) as length' }
  // once it is prepared, the database hears nothing of a statement until all of it has arrived
  await db.get(length, new Uint8Array(1))
  network.bytesPerSecond = 500_000
  expect(await db.get(length, new Uint8Array(2_500_000))).toEqual({ length: 2_500_000 })
})

it('ends long work whose connection the database ends between two statements, and goes on with other work', async () => {
  const db = new Database(cluster.url('postgres'))
  onTestFinished(() => db.close())
  const lost = db.unhurried(async (on) => {
    const own = await on.get<{ pid: number }>('select pg_backend_pid() as pid')
    const pid = own?.pid as number
    await db.get('select pg_terminate_backend(?)', pid)
    await expect.poll(() => db.get('select from pg_stat_activity where pid = ?', pid)).toBeUndefined()
    return on.get('select 1')
  })
  await expect(lost).rejects.toBeInstanceOf(StoreUnavailable)
  expect(await db.unhurried((on) => on.get('select 1 as one'))).toEqual({ one: 1 })
})

it('gives up long work that the network has lost, and waits for what the database works on', async () => {
  const { network, db } = await overNetwork()
  onTestFinished(() => db.close())
  const mended = Promise.withResolvers<void>()
  const lost = db.unhurried(async (on) => {
    await on.get('select 1')
    network.cut(true)
    const never = on.get('select 2')
    network.mend()
    mended.resolve()
    return never
  })
  await mended.promise
  const working = db.unhurried((on) => on.get(`select 'done' as state, pg_sleep(6)`))
  await expect(lost).rejects.toBeInstanceOf(StoreUnavailable)
  expect(await working).toMatchObject({ state: 'done' })
})
