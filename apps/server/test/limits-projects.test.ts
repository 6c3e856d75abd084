import { describe, expect, it, vi } from 'vitest'
import { StoreUnavailable } from '../src/storage/store.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp } from './start-app.ts'

const points = (from: number, count: number) => ({
  points: Array.from({ length: count }, (_, i) => ({ step: from + i, loss: 1 })),
})
const full = (limit: string) => ({
  status: 403,
  body: {
    error: {
      code: 'project_full',
      message: `The project "p" has reached its limit of ${limit}: delete runs, or ask an admin to raise it.`,
    },
  },
})

describe('limits of a project', () => {
  it('refuse a run too many, also one that is moved in, and name the limit; others go on', async () => {
    const { call } = await startApp()
    await call('PUT', '/projects/p/limits', { max_runs: 2, max_points: null })
    for (const id of ['a', 'b']) expect((await call('PUT', `/runs/${id}`, { project: 'p' })).status).toBe(201)
    expect(await call('PUT', '/runs/c', { project: 'p' })).toMatchObject(full('2 runs'))
    expect(await call('POST', '/runs', { project: 'p' })).toMatchObject(full('2 runs'))
    expect((await call('GET', '/runs?project=p')).body.runs).toHaveLength(2)
    expect((await call('PUT', '/runs/c', { project: 'q' })).status).toBe(201)
    expect(await call('PATCH', '/runs/c', { project: 'p' })).toMatchObject(full('2 runs'))
    expect((await call('PUT', '/runs/a', { tags: ['still'] })).status).toBe(200)
    expect((await call('POST', '/runs/a/points', points(0, 5))).status).toBe(200)
  })

  it('hold for requests that come at once, and again as soon as a failing store can say what they are', async () => {
    const { call, services } = await startApp()
    await call('PUT', '/projects/p/limits', { max_runs: 1, max_points: null })
    vi.spyOn(services.store.limits, 'list').mockRejectedValueOnce(new StoreUnavailable('away'))
    expect((await call('PUT', '/runs/a', { project: 'p' })).status).toBe(503)
    const ids = ['b', 'c', 'd', 'e']
    const answers = await Promise.all(ids.map((id) => call('PUT', `/runs/${id}`, { project: 'p' })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 403, 403, 403])
  })

  it('make room when a run is deleted, and are gone when an admin takes them away', async () => {
    let now = Date.UTC(2026, 0, 1)
    const { call } = await startApp({ now: () => now })
    await call('PUT', '/projects/p/limits', { max_runs: 1, max_points: null })
    await call('PUT', '/runs/a', { project: 'p' })
    expect(await call('PUT', '/runs/b', { project: 'p' })).toMatchObject(full('1 runs'))
    await call('DELETE', '/runs/a')
    now += 1_000
    expect((await call('PUT', '/runs/b', { project: 'p' })).status).toBe(201)
    await call('PUT', '/projects/p/limits', { max_runs: null, max_points: null })
    expect((await call('PUT', '/runs/c', { project: 'p' })).status).toBe(201)
  })

  it('refuse points beyond it, and store nothing of them; what was sent twice counts once', async () => {
    let now = Date.UTC(2026, 0, 1)
    const { call } = await startApp({ now: () => now })
    await call('PUT', '/runs/a', { project: 'p' })
    await call('PUT', '/runs/b', { project: 'p' })
    await call('PUT', '/projects/p/limits', { max_runs: null, max_points: 1_500 })
    for (let times = 0; times < 4; times++) {
      now += 1_000
      expect((await call('POST', '/runs/a/points', points(0, 1_000))).status).toBe(200)
    }
    expect((await call('POST', '/runs/b/points', points(0, 500))).status).toBe(200)
    now += 1_000
    expect(await call('POST', '/runs/a/points', points(1_000, 1))).toMatchObject(full('1,500 points'))
    expect(await call('POST', '/runs/b/points', points(500, 1))).toMatchObject(full('1,500 points'))
    expect((await call('GET', '/runs/b')).body.points).toBe(500)
    await call('PATCH', '/runs/a', { truncate_after: 499 })
    now += 1_000
    expect((await call('POST', '/runs/b/points', points(500, 1))).status).toBe(200)
  })

  it('are known to a server that starts, with what is held', async () => {
    const first = await startApp()
    await first.call('PUT', '/runs/a', { project: 'p' })
    await first.call('PUT', '/projects/p/limits', { max_runs: 1, max_points: null })
    await first.services.store.close()
    const second = await startApp({ folder: first.folder })
    expect(await second.call('PUT', '/runs/b', { project: 'p' })).toMatchObject(full('1 runs'))
  })

  it('are set by admins of everything alone, refused if they make no sense, and are in the audit log', async () => {
    const app = await startApp()
    const { call, inject, services } = app
    for (const max_runs of [0, -1, 1.5, '7', 2 ** 53]) {
      const refused = await call('PUT', '/projects/p/limits', { max_runs, max_points: null })
      expect([refused.status, refused.body.error.details[0].path]).toEqual([400, '/max_runs'])
    }
    expect((await call('PUT', '/projects/p/limits', { max_runs: 1 })).status).toBe(400)
    await call('PUT', '/projects/p/limits', { max_runs: 1, max_points: null })
    const { secret } = await makeToken(app, { scope: 'admin', project: 'p' })
    const put = { method: 'PUT', url: '/api/v1/projects/p/limits', headers: bearer(secret) } as const
    const raised = await inject({ ...put, payload: { max_runs: 9, max_points: null } })
    expect(raised.body.error.code).toBe('project_forbidden')
    expect(await services.store.limits.list()).toEqual([{ project: 'p', max_runs: 1, max_points: null }])
    expect(await services.store.audit.read(0, 9)).toMatchObject([
      { action: 'limits.change', actor: 'owner', target: 'p', project: 'p', detail: 'max_runs, max_points' },
    ])
  })
})

it('shows admins how much each project holds and may hold', async () => {
  const retention = { days: 90, projects: new Map([['paper', 0]]) }
  const { call } = await startApp({ retention, now: () => Date.UTC(2026, 0, 1) })
  await call('PUT', '/runs/a', { project: 'p' })
  await call('PUT', '/runs/b', { project: 'paper' })
  await call('POST', '/runs/a/points', points(0, 300))
  await call('PUT', '/projects/new/limits', { max_runs: 5, max_points: 1_000_000 })
  const last_activity = '2026-01-01T00:00:00.000Z'
  const none = { max_runs: null, max_points: null }
  expect((await call('GET', '/usage')).body.projects).toEqual([
    {
      project: 'new',
      runs: 0,
      points: 0,
      series: 0,
      bytes: 0,
      last_activity: null,
      retention_days: 90,
      limits: { max_runs: 5, max_points: 1_000_000 },
    },
    {
      project: 'p',
      runs: 1,
      points: 300,
      series: 1,
      bytes: expect.any(Number),
      last_activity,
      retention_days: 90,
      limits: none,
    },
    {
      project: 'paper',
      runs: 1,
      points: 0,
      series: 0,
      bytes: 0,
      last_activity,
      retention_days: null,
      limits: none,
    },
  ])
})
