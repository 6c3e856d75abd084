import { expect, it } from 'vitest'
import { bearer, makeToken } from './access-fixtures.ts'
import { isType, liveClient } from './live-client.ts'
import { startApp } from './start-app.ts'

const clip = { mode: 'norm', max_norm: 1 } as const
const saturated = {
  columns: {
    step: Array.from({ length: 400 }, (_, i) => i),
    grad_norm: new Array<number>(400).fill(3),
  },
}

it('makes tokens of several projects, which see in lists exactly what they may read', async () => {
  const service = await startApp()
  const admin = bearer((await makeToken(service, { scope: 'admin' })).secret)
  const ask = (method: 'GET' | 'POST', path: string, headers = admin, payload?: object) =>
    service.inject({ method, url: `/api/v1${path}`, headers, ...(payload ? { payload } : {}) })
  const make = async (fields: object) => (await ask('POST', '/tokens', admin, { name: 'x', ...fields })).body
  const both = { scope: 'read', project: 'a', projects: ['b'] }
  expect(await make(both)).toMatchObject({
    error: { code: 'request_invalid', details: [{ path: '/projects' }] },
  })
  expect(await make({ scope: 'read', projects: [] })).toMatchObject({
    error: { details: [{ path: '/projects' }] },
  })
  expect(await make({ scope: 'read', project: 'a' })).toMatchObject({ project: 'a', projects: ['a'] })
  expect(await make({ scope: 'read', projects: ['a'] })).toMatchObject({ project: 'a', projects: ['a'] })
  expect(await make({ scope: 'read' })).toMatchObject({ project: null, projects: null })
  // a name was never a pattern, and is none now
  expect(await make({ scope: 'read', project: 'b*' })).toMatchObject({ project: 'b*', projects: ['b\\*'] })
  const reader = await make({ scope: 'read', projects: ['a', 'b-*'] })
  expect(reader).toMatchObject({ project: null, projects: ['a', 'b-*'] })
  for (const project of ['a', 'b-1', 'b', 'c']) {
    await ask('POST', '/runs', admin, { id: `of-${project}`, project, clip })
    await ask('POST', `/runs/of-${project}/points`, admin, saturated)
  }
  const seen = async (path: string) => (await ask('GET', path, bearer(reader.token))).body
  const idsOf = (list: { id: string; run?: string }[]) =>
    [...new Set(list.map(({ id, run }) => run ?? id))].sort()
  expect((await seen('/projects')).projects).toEqual(['a', 'b-1'])
  expect(idsOf((await seen('/runs')).runs)).toEqual(['of-a', 'of-b-1'])
  expect(idsOf((await seen('/runs?q=of')).runs)).toEqual(['of-a', 'of-b-1'])
  expect(idsOf((await seen('/findings')).findings)).toEqual(['of-a', 'of-b-1'])
  expect(idsOf((await seen('/runs?project=b-1')).runs)).toEqual(['of-b-1'])
  expect(await seen('/runs?project=c')).toMatchObject({
    error: { code: 'project_forbidden', message: 'This token is limited to the projects "a", "b-*".' },
  })
  expect((await seen('/compare?run=of-a&run=of-b-1')).runs).toHaveLength(2)
  expect(await seen('/compare?run=of-a&run=of-c')).toMatchObject({ error: { code: 'project_forbidden' } })
  expect((await seen('/session')).caller).toMatchObject({
    scope: 'read',
    project: null,
    grants: [{ scope: 'read', projects: ['a', 'b-*'] }],
  })
})

it('gives a run that names no project one where the token may create it', async () => {
  const service = await startApp()
  const projectFor = async (projects: string[], id: string) => {
    const { secret } = await makeToken(service, { scope: 'write', projects })
    const url = `/api/v1/runs/${id}`
    const { body } = await service.inject({ method: 'PUT', url, headers: bearer(secret), payload: {} })
    return body.project ?? body.error.code
  }
  expect(await projectFor(['one'], 'a')).toBe('one')
  expect(await projectFor(['one', 'def*'], 'b')).toBe('default')
  expect(await projectFor(['one', 'two'], 'c')).toBe('project_forbidden')
  await service.services.ingest.put('d', { project: 'two' })
  expect(await projectFor(['one', 'two'], 'd')).toBe('two')
  expect(await projectFor(['one'], 'd')).toBe('project_forbidden')
})

it('tells a token of one project only its own part of a delivery about several', async () => {
  const service = await startApp({ groupSeconds: 60 })
  const all = bearer((await makeToken(service, { scope: 'admin' })).secret)
  const mine = bearer((await makeToken(service, { scope: 'read', project: 'mine' })).secret)
  const ask = (method: 'GET' | 'PUT' | 'POST', path: string, headers = all, payload?: object) =>
    service.inject({ method, url: `/api/v1${path}`, headers, ...(payload ? { payload } : {}) })
  const channel = { kind: 'webhook', name: 'everybody', url: 'http://127.0.0.1:9/' }
  expect((await ask('POST', '/channels', all, channel)).status).toBe(201)
  for (const [run, project] of [
    ['a', 'mine'],
    ['b', 'other'],
  ]) {
    await ask('PUT', `/runs/${run}`, all, { project, clip })
    await ask('POST', `/runs/${run}/points`, all, saturated)
  }
  const runsIn = async (headers: typeof all) => {
    const { deliveries } = (await ask('GET', '/deliveries?run=a', headers)).body
    return deliveries.map(({ events, event_count, response }: Record<string, unknown>) => ({
      runs: (events as { run: string }[]).map(({ run }) => run),
      event_count,
      response,
    }))
  }
  expect(await runsIn(all)).toEqual([{ runs: ['a', 'b'], event_count: 2, response: null }])
  expect(await runsIn(mine)).toEqual([{ runs: ['a'], event_count: 1, response: null }])
})

it('tells a socket of one project nothing more of a run that leaves it', async () => {
  const service = await startApp()
  const url = await service.listen()
  const limited = await makeToken(service, { scope: 'read', project: 'mine' })
  const free = await makeToken(service, { scope: 'read' })
  const { ingest } = service.services
  await ingest.put('a', { project: 'mine' })
  const [mine, every] = await Promise.all(
    [limited, free].map(async ({ secret }) => {
      const live = await liveClient(url, bearer(secret))
      live.send({ type: 'watch', run: 'a' })
      await live.until(isType('run'))
      return live
    }),
  )
  await ingest.patch('a', { project: 'other', name: 'secret' })
  await ingest.patch('a', { notes: 'more' })
  await every?.until((frame) => frame.type === 'run' && frame.run.notes === 'more')
  await mine?.until((frame) => frame.type === 'gap' && frame.reason === 'deleted')
  // What is asked last is answered last.
  mine?.send({ type: 'watch', run: 'a' })
  await mine?.until((frame) => frame.type === 'error' && frame.code === 'project_forbidden')
  expect(JSON.stringify(mine?.frames)).not.toMatch(/secret|more/)
})
