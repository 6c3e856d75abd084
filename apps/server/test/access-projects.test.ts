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
