import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { append, columns } from '../src/storage/store.fixture.ts'
import { openSqliteStore } from '../src/storage/sqlite/open.ts'
import { isType, liveClient } from './live-client.ts'
import { startServer } from './server-process.ts'
import { startApp, tempFolder } from './start-app.ts'

const DAY = 86_400_000

it('removes the runs to which nothing came for too long, and tells their readers', async () => {
  const clock = { now: 1_764_000_000_000 }
  const { call, services, listen } = await startApp({ now: () => clock.now })
  const reader = await liveClient(await listen())
  for (const [id, project] of [
    ['old', 'p'],
    ['revived', 'p'],
    ['other', 'q'],
    ['short', 'ci'],
    ['kept', 'paper'],
  ]) {
    await call('PUT', `/runs/${id}`, { project })
    await call('POST', `/runs/${id}/points`, { points: [{ step: 0, loss: 1 }] })
  }
  const retention = {
    days: 30,
    projects: new Map([
      ['ci', 7],
      ['paper', 0],
    ]),
  }
  const ids = async () => {
    await services.ingest.removeSilent(retention)
    const { runs } = (await call('GET', '/runs?sort=name')).body
    return runs.map(({ id }: { id: string }) => id)
  }
  reader.send({ type: 'watch', run: 'old' })
  await reader.until(isType('run'))
  clock.now += 7 * DAY
  expect(await ids()).toEqual(['kept', 'old', 'other', 'revived', 'short'])
  clock.now += 13 * DAY
  expect(await ids()).toEqual(['kept', 'old', 'other', 'revived'])
  await call('POST', '/runs/revived/points', { points: [{ step: 1, loss: 1 }] })
  await call('PUT', '/runs/new', {})
  clock.now += 15 * DAY
  expect(await ids()).toEqual(['kept', 'new', 'revived'])
  expect(await reader.until(isType('gap'))).toEqual({ type: 'gap', run: 'old', reason: 'deleted' })
  const refused = await call('POST', '/runs/old/points', { points: [{ step: 1, loss: 1 }] })
  expect(refused.body.error.code).toBe('run_not_found')
})

it('removes a run whose points came while the clock was ahead, once it was silent for so long since then', async () => {
  const clock = { now: 1_764_000_000_000 }
  const { call, services } = await startApp({ now: () => clock.now })
  clock.now += 3_650 * DAY
  await call('PUT', '/runs/ahead', {})
  await call('POST', '/runs/ahead/points', { points: [{ step: 0, loss: 1 }] })
  clock.now -= 3_650 * DAY
  const retention = { days: 30, projects: new Map<string, number>() }
  const isKept = async () => {
    await services.ingest.removeSilent(retention)
    return (await call('GET', '/runs/ahead')).status === 200
  }
  expect(await isKept()).toBe(true)
  clock.now += 29 * DAY
  expect(await isKept()).toBe(true)
  clock.now += 2 * DAY
  expect(await isKept()).toBe(false)
})

it('judges a run from scratch that is created under the id of a removed one', async () => {
  const clock = { now: 1_764_000_000_000 }
  const { call, services } = await startApp({ now: () => clock.now })
  const saturated = { step: Array.from({ length: 60 }, (_, i) => i), grad_norm: Array(60).fill(5) }
  const log = async () => {
    await call('PUT', '/runs/again', { clip: { mode: 'norm', max_norm: 1 } })
    await call('POST', '/runs/again/points', { columns: saturated })
    return (await call('GET', '/runs/again/findings')).body.findings
  }
  const [first] = await log()
  clock.now += 2 * DAY
  await services.ingest.removeSilent({ days: 1, projects: new Map() })
  const [second] = await log()
  expect(second).toMatchObject({ kind: 'clip_saturated', state: 'open', opened_step: first.opened_step })
})

it('gives the space of removed runs back, and leaves the others as they are', async () => {
  const folder = await tempFolder()
  const store = await openSqliteStore({ folder })
  const steps = Array.from({ length: 200_000 }, (_, i) => i)
  const values = steps.map((step) => Math.sin(step))
  const now = Date.now()
  for (const [id, project, days] of [
    ['old', 'vision', 91],
    ['new', 'vision', 89],
    ['short', 'ci', 8],
    ['kept', 'paper', 1000],
  ] as const) {
    await store.runs.put(id, { project }, now - days * DAY)
    await append(store, { run: id, columns: columns(steps, { loss: values }), arrivedAt: now - days * DAY })
  }
  await store.close()
  const size = () => statSync(join(folder, 'normwatch.db')).size
  const before = size()
  const { url, end } = await startServer(folder, ['--retention-days', '90,ci=7,paper=0'])
  const get = async (path: string) => (await fetch(`${url}/api/v1${path}`)).text()
  await expect
    .poll(async () => JSON.parse(await get('/runs?sort=name')).runs.map(({ id }: { id: string }) => id))
    .toEqual(['kept', 'new'])
  await expect.poll(size, { timeout: 20_000 }).toBeLessThan(before / 2 + 2e6)
  for (const id of ['kept', 'new']) {
    const lines = (await get(`/runs/${id}/points`)).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line).loss)).toEqual(values)
  }
  expect((await end('SIGTERM')).code).toBe(0)
})
