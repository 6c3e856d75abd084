import { expect, it } from 'vitest'
import { startApp, tempFolder, type TestApp } from './start-app.ts'

/** Services over one database, as that many servers are. */
async function startServers(count = 2): Promise<[TestApp, TestApp, ...TestApp[]]> {
  const folder = await tempFolder()
  const apps = []
  for (let i = 0; i < count; i++) apps.push(await startApp({ folder }))
  return apps as [TestApp, TestApp]
}

const clip = { mode: 'norm', max_norm: 1 }
const clipped = (from: number, count = 20) => ({
  columns: {
    step: Array.from({ length: count }, (_, i) => from + i),
    grad_norm: new Array<number>(count).fill(5),
  },
})
const findingsOf = async ({ call }: TestApp, run: string) =>
  (await call('GET', `/runs/${run}/findings?kind=clip_saturated`)).body.findings as Record<string, unknown>[]

it('judges a run as one server would, whose batches go to one and another', async () => {
  const servers = await startServers(3)
  const [alone] = await startServers(1)
  await alone.call('PUT', '/runs/a', { clip })
  await servers[0].call('PUT', '/runs/a', { clip })
  for (let i = 0; i < 12; i++) {
    await alone.call('POST', '/runs/a/points', clipped(i * 20))
    const { status } = await (servers[i % 3] as TestApp).call('POST', '/runs/a/points', clipped(i * 20))
    expect(status).toBe(200)
  }
  const told = ({ kind, opened_step, state }: Record<string, unknown>) => ({ kind, opened_step, state })
  const expected = (await findingsOf(alone, 'a')).map(told)
  expect(expected).toHaveLength(1)
  for (const server of servers) {
    expect((await findingsOf(server, 'a')).map(told)).toEqual(expected)
    const [run, same] = [await server.call('GET', '/runs/a'), await alone.call('GET', '/runs/a')]
    expect(run.body).toMatchObject({ points: 240, clipping: same.body.clipping, health: same.body.health })
  }
})

it('ends a run at one server with the findings that opened at another', async () => {
  const [one, two] = await startServers()
  await two.call('PUT', '/runs/a', { clip })
  await one.call('POST', '/runs/a/points', clipped(0, 100))
  await two.call('GET', '/runs/a')
  await two.call('POST', '/runs/a/points', clipped(100, 100))
  await one.call('PATCH', '/runs/a', { status: 'finished' })
  expect(await findingsOf(two, 'a')).toMatchObject([{ state: 'closed', close_reason: 'run_finished' }])
  // the other server knew it as running: points of a run that has ended open nothing
  await two.call('POST', '/runs/a/points', clipped(200, 200))
  expect(await findingsOf(one, 'a')).toHaveLength(1)
  // and it runs again, at the server that knew it as ended
  await two.call('PATCH', '/runs/a', { status: 'running' })
  await one.call('PATCH', '/runs/a', { status: 'failed' })
  expect((await two.call('GET', '/runs/a')).body).toMatchObject({ status: 'failed', points: 400 })
})

it.each([
  ['of the run', '/runs/a/settings'],
  ['of its project', '/projects/default/settings'],
])('judges at every server by settings %s that were changed at one', async (_, path) => {
  const [one, two] = await startServers()
  await one.call('PUT', '/runs/a', { clip })
  await one.call('POST', '/runs/a/points', clipped(0))
  expect((await two.call('PUT', path, { clip_saturated: { enabled: false } })).status).toBe(200)
  for (let i = 1; i < 10; i++) await one.call('POST', '/runs/a/points', clipped(i * 20))
  expect(await findingsOf(one, 'a')).toEqual([])
  expect((await one.call('PUT', path, {})).status).toBe(200)
  await expect.poll(() => findingsOf(two, 'a')).toMatchObject([{ state: 'open' }])
})

it('takes changes of one run at two servers at the same moment as if one had come after the other', async () => {
  const servers = await startServers()
  await servers[0].call('PUT', '/runs/a', { clip })
  const answers = await Promise.all(
    servers.flatMap(({ call }, server) =>
      Array.from({ length: 10 }, (_, i) => [
        call('PATCH', '/runs/a', { notes: `${i}` }),
        call('POST', '/runs/a/points', clipped((i * 2 + server) * 20)),
        call('PUT', '/runs/a', { name: `${server} ${i}` }),
        call('PUT', '/runs/a/settings', { window: { min: 20 + i } }),
      ]).flat(),
    ),
  )
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  const [one, two] = await Promise.all(servers.map(({ call }) => call('GET', '/runs/a')))
  expect(one?.body).toEqual(two?.body)
  expect(one?.body).toMatchObject({ points: 400 })
  // settings decide at which step it opens: with each of them it is another finding
  const open = (await findingsOf(servers[1], 'a')).filter(({ state }) => state === 'open')
  expect(open).toHaveLength(1)
})

it('answers 404 at every server once a run is deleted at one, and starts anew when it is made again', async () => {
  const [one, two] = await startServers()
  await one.call('PUT', '/runs/a', { clip })
  await one.call('POST', '/runs/a/points', clipped(0, 100))
  expect((await two.call('DELETE', '/runs/a')).status).toBe(204)
  expect((await one.call('POST', '/runs/a/points', clipped(100))).status).toBe(404)
  await two.call('PUT', '/runs/a', {})
  await two.call('POST', '/runs/a/points', clipped(0))
  await one.call('POST', '/runs/a/points', clipped(20))
  expect((await one.call('GET', '/runs/a')).body).toMatchObject({ points: 40 })
  expect(await findingsOf(one, 'a')).toEqual([])
})
