import { expect, it } from 'vitest'
import { aChannel } from '../src/alerts/fixtures/event.ts'
import { startReceiver } from './alerts-receiver.ts'
import { ask, databaseInPlaceOf } from './postgres.ts'
import { startServer } from './server-process.ts'
import { startApp, tempFolder, type TestApp } from './start-app.ts'

const patience = { timeout: 60_000 }
const clip = { mode: 'norm', max_norm: 1 }
const clipped = (count: number) => ({
  columns: { step: Array.from({ length: count }, (_, i) => i), grad_norm: Array<number>(count).fill(5) },
})

/** Services over one database, as that many servers are. */
async function startServers(now = Date.now): Promise<{ folder: string; servers: [TestApp, TestApp] }> {
  const folder = await tempFolder()
  return { folder, servers: [await startApp({ folder, now }), await startApp({ folder, now })] }
}

async function saturate({ call }: TestApp, run: string, fields: object = {}): Promise<void> {
  await call('PUT', `/runs/${run}`, { clip, ...fields })
  expect((await call('POST', `/runs/${run}/points`, clipped(80))).status).toBe(200)
}

it('tells a receiver each finding once, whichever server judged it, and when all send', async () => {
  const { servers } = await startServers()
  const receiver = await startReceiver()
  await servers[0].services.store.channels.create(aChannel({ url: receiver.url }))
  for (const { services } of servers) services.alerts.start('https://norms.example')
  const runs = Array.from({ length: 12 }, (_, i) => `run-${i}`)
  await Promise.all(runs.map((run, i) => saturate(servers[i % 2] as TestApp, run)))
  const deliveries = async () => (await servers[0].call('GET', '/deliveries?limit=100')).body.deliveries
  const states = async () => (await deliveries()).map(({ state }: { state: string }) => state)
  await expect.poll(states, patience).toEqual(runs.map(() => 'sent'))
  expect(receiver.received.map(({ body }) => JSON.parse(body).data.finding.run).sort()).toEqual(
    [...runs].sort(),
  )
})

it('sends what another server queued that does not send it', async () => {
  const {
    servers: [judging, sending],
  } = await startServers()
  const receiver = await startReceiver()
  await judging.services.store.channels.create(aChannel({ url: receiver.url }))
  sending.services.alerts.start('https://norms.example')
  // asleep, with nothing to do
  await expect.poll(() => sending.services.store.deliveries.nextDue(0)).toBeNull()
  await saturate(judging, 'a')
  await expect.poll(() => receiver.received.length, patience).toBe(1)
})

it('notices silence once and removes old runs without an error where two servers look at the same time', async () => {
  const clock = { now: 1_764_000_000_000 }
  const { servers } = await startServers(() => clock.now)
  const [one, two] = servers
  await saturate(one, 'a')
  await two.call('PUT', '/runs/old', {})
  clock.now += 3_600_000
  await Promise.all(servers.map(({ services }) => services.ingest.noticeSilence(0)))
  const stalled = (await one.call('GET', '/findings?kind=stalled')).body.findings
  expect(stalled.map(({ run }: { run: string }) => run).sort()).toEqual(['a', 'old'])
  clock.now += 90 * 86_400_000
  const retention = { days: 30, projects: new Map<string, number>() }
  await Promise.all(servers.map(({ services }) => services.ingest.removeSilent(retention)))
  expect((await two.call('GET', '/runs')).body.runs).toEqual([])
})

it('judges the runs of a project by its changed settings, though the server that was asked to is gone', async () => {
  const { folder, servers } = await startServers()
  const [gone, left] = servers
  await saturate(gone, 'a', { project: 'p q' })
  const health = async () => (await left.call('GET', '/runs/a')).body.health as string
  expect(await health()).toBe('flagged')
  // it dies right after it has stored the settings
  await gone.services.store.settings.put({ project: 'p q' }, { clip_saturated: { enabled: false } })
  await ask(
    (await databaseInPlaceOf(folder)) as string,
    `insert into chores (name, owner, expires_at)
     values ('judge again the project 00000000-0000-0000-0000-000000000000 p q', 'gone', now())`,
  )
  left.services.ingest.start()
  await expect.poll(health, patience).not.toBe('flagged')
  await expect.poll(() => left.services.store.chores.abandoned(), patience).toEqual([])
})

it('sends again, under its id, what a killed server was sending, and nothing that a living one sends', async () => {
  const folder = await tempFolder()
  const database = (await databaseInPlaceOf(folder)) as string
  let hangs = true
  const receiver = await startReceiver((response) => void (hangs || response.writeHead(204).end()))
  const start = () => startServer(folder, ['--webhook-allow', '127.0.0.0/8', '--group-seconds', '0'])
  const call = async (url: string, method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    expect(reply.ok).toBe(true)
    return reply.json() as Promise<{ deliveries: { state: string; tries: number }[] }>
  }
  const first = await start()
  await call(first.url, 'POST', '/channels', { kind: 'webhook', url: receiver.url })
  await call(first.url, 'PUT', '/runs/a', { clip })
  await call(first.url, 'POST', '/runs/a/points', clipped(80))
  await expect.poll(() => receiver.received.length, patience).toBe(1)

  // a server that starts leaves the claim of the one that is sending, and sends what is its own
  const second = await start()
  await call(second.url, 'PUT', '/runs/b', { clip })
  await call(second.url, 'POST', '/runs/b/points', clipped(80))
  const told = () => receiver.received.map(({ headers }) => String(headers['webhook-id']))
  await expect.poll(() => new Set(told()).size, patience).toBe(2)
  const id = told()[0] as string
  const [row] = await ask<{ tries: number; last_try_at: number | null }>(
    database,
    `select tries, last_try_at from deliveries where id = '${id}'`,
  )
  expect(row?.last_try_at === null && row.tries > 1).toBe(false)

  await first.end('SIGKILL')
  hangs = false
  // as the minute that its claim has left
  await ask(database, `update deliveries set leased_until = leased_until - 60000 where id = '${id}'`)
  const delivery = async () => (await call(second.url, 'GET', '/deliveries?run=a')).deliveries[0]
  await expect.poll(async () => (await delivery())?.state, patience).toBe('sent')
  expect((await delivery())?.tries).toBe(told().filter((one) => one === id).length)
})
