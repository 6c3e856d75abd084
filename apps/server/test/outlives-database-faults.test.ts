import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { startPostgres, type Cluster } from '../../../scripts/postgres.ts'
import { startNetwork } from './cut-network.ts'
import { freePort } from './free-port.ts'
import { ask } from './postgres.ts'
import { runServer, startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'
import { Training } from './training.ts'

const patience = { timeout: 90_000 }
/** How soon it stores again once the database is back: 5 s where the machine is not busy. */
const MOST_MS = 15_000
let cluster: Cluster
let port: number

beforeAll(async () => {
  port = await freePort()
  cluster = await startPostgres({ port: String(port), fsync: 'off', max_connections: '60' })
}, 120_000)
afterAll(() => cluster.stop())

let databases = 0
async function newDatabase(): Promise<string> {
  const name = `faults_${++databases}`
  await ask(cluster.url('postgres'), `create database ${name}`)
  return name
}

/** A server on this database under load: three trainings, whose clients send again what was refused. */
async function underLoad(database: string) {
  const folder = await tempFolder()
  const { url } = await startServer(folder, [], { NORMWATCH_DATABASE_URL: database })
  const trainings = [1, 2, 3].map((seed) => new Training(seed, seed === 1 ? 16 : 1, seed === 3))
  for (const training of trainings) await training.create(url)
  let isOver = false
  const answers = new Set<number>()
  const load = trainings.map(async (training) => {
    while (!isOver) {
      const status = await training.sendNext(url)
      answers.add(status)
      await pause(status === 200 ? 5 : 100)
    }
  })
  onTestFinished(async () => {
    isOver = true
    await Promise.allSettled(load)
  })
  const readiness = async () => {
    const answer = await fetch(`${url}/readyz`)
    const body = (await answer.json()) as { status?: string; error?: { message: string } }
    return `${answer.status} ${answer.headers.get('retry-after')} ${body.error?.message ?? body.status}`
  }
  /** Waits until every training has sent three batches more. */
  const goesOn = async () => {
    const before = trainings.map(({ acknowledged }) => acknowledged)
    const areAhead = () => trainings.every(({ acknowledged }, i) => acknowledged >= (before[i] as number) + 3)
    await expect.poll(areAhead, patience).toBe(true)
  }
  await goesOn()
  const stored = () => trainings.reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  return {
    url,
    goesOn,
    /** To be called when the database is back: it is ready, and has stored what came after, soon enough. */
    async recovers(from: string) {
      const returned = performance.now()
      const before = stored()
      const isBack = async () => stored() > before && (await readiness()) === '200 null ok'
      await expect.poll(isBack, { ...patience, interval: 20 }).toBe(true)
      const ms = Math.round(performance.now() - returned)
      process.stderr.write(`stores again ${ms} ms after ${from}\n`)
      expect(ms).toBeLessThan(MOST_MS)
      await goesOn()
    },
    async expectTrouble(sentence: string) {
      await expect.poll(readiness, patience).toBe(`503 1 ${sentence}`)
      const run = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{}' }
      const refused = await fetch(`${url}/api/v1/runs/other`, run)
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    },
    /** It has every acknowledged point once. */
    async expectAll() {
      isOver = true
      await Promise.all(load)
      for (const training of trainings) await training.expectStored(url, true)
      expect([...answers].filter((status) => status !== 200 && status !== 503)).toEqual([])
    },
  }
}

it('outlives a restart of the database', async () => {
  const server = await underLoad(cluster.url(await newDatabase()))
  await cluster.kill()
  await server.expectTrouble('The database cannot be reached.')
  await cluster.start()
  await server.recovers('a restart')
  await server.expectAll()
})

it('serves over a slow network, and outlives one that is cut and mended', async () => {
  const network = await startNetwork(port)
  const database = `postgres://normwatch@127.0.0.1:${network.port}/${await newDatabase()}`
  const server = await underLoad(database)
  network.delayMs = 20
  await server.goesOn()
  network.delayMs = 0
  for (const forGood of [false, true]) {
    network.cut(forGood)
    await server.expectTrouble('The database does not answer.')
    network.mend()
    await server.recovers(forGood ? 'a cut that lost what was under way' : 'a cut')
  }
  // and one that ended before anybody noticed
  network.cut(true)
  network.mend()
  await server.recovers('a moment that lost what was under way')
  await server.expectAll()
})

it('waits while the database accepts no more connections, or may only be read', async () => {
  const name = await newDatabase()
  await ask(cluster.url('postgres'), `create role app login; alter database ${name} owner to app`)
  const server = await underLoad(cluster.url(name).replace('normwatch@', 'app@'))
  const endConnections = `select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'`
  await ask(cluster.url('postgres'), 'alter role app connection limit 0')
  await ask(cluster.url('postgres'), endConnections)
  await server.expectTrouble('The database accepts no more connections.')
  await ask(cluster.url('postgres'), 'alter role app connection limit -1')
  await server.recovers('a lack of connections')
  await ask(cluster.url('postgres'), 'alter role app set default_transaction_read_only = on')
  await ask(cluster.url('postgres'), endConnections)
  await server.expectTrouble('The database is read-only: it may be a standby.')
  const read = await fetch(`${server.url}/api/v1/runs/training-1`)
  expect(read.status).toBe(200)
  await ask(cluster.url('postgres'), 'alter role app reset default_transaction_read_only')
  await server.recovers('being read-only')
  await server.expectAll()
})

it('goes over to the standby that was promoted, and has every acknowledged point there', async () => {
  const name = await newDatabase()
  const other = await freePort()
  const standby = await cluster.startStandby({ port: String(other) })
  onTestFinished(() => standby.stop())
  const alone = await runServer(['--port', '0', '--data', await tempFolder()], {
    NORMWATCH_DATABASE_URL: standby.url(name),
  })
  expect(alone).toEqual({
    code: 1,
    output: 'The database cannot be used: The database is read-only: it may be a standby.\n',
  })
  // what is acknowledged is on both
  await ask(cluster.url('postgres'), `alter system set synchronous_standby_names = '*'`)
  await ask(cluster.url('postgres'), 'select pg_reload_conf()')
  const isSync = `select 1 from pg_stat_replication where sync_state = 'sync'`
  await expect.poll(async () => (await ask(cluster.url('postgres'), isSync)).length, patience).toBe(1)
  const database = `postgres://normwatch@127.0.0.1:${other},127.0.0.1:${port}/${name}?target_session_attrs=read-write`
  const server = await underLoad(database)
  await cluster.kill()
  await server.expectTrouble('The database cannot be reached.')
  await ask(standby.url('postgres'), 'select pg_promote()')
  await server.recovers('a fail-over')
  await server.expectAll()
})
