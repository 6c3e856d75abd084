import { describe, expect, it } from 'vitest'
import { startIdentityProvider } from './identity-provider.ts'
import { isType, liveClient, pointsOf } from './live-client.ts'
import { begin, cookiesOf, pair, ROLES, SAME, START, startWith, whoIs } from './people.ts'
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
  /** As clients do: a server that could not get its turn asks to be asked again. */
  const persist = async (server: TestApp, ...request: Parameters<TestApp['call']>) => {
    let status: number
    do ({ status } = await server.call(...request))
    while (status === 503)
    return status
  }
  const answers = await Promise.all(
    servers.flatMap((server, which) =>
      Array.from({ length: 10 }, (_, i) => [
        persist(server, 'PATCH', '/runs/a', { notes: `${i}` }),
        persist(server, 'POST', '/runs/a/points', clipped((i * 2 + which) * 20)),
        persist(server, 'PUT', '/runs/a', { name: `${which} ${i}` }),
        persist(server, 'PUT', '/runs/a/settings', { window: { min: 20 + i } }),
      ]).flat(),
    ),
  )
  expect(answers).toEqual(answers.map(() => 200))
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

describe('a reader at another server', () => {
  it('gets every point, finding and event of a run, and the run as it is', async () => {
    const [one, two] = await startServers()
    await one.call('PUT', '/runs/a', { clip })
    const reader = await liveClient(await two.listen())
    reader.send({ type: 'watch', run: 'a' })
    await reader.until(isType('run'))
    for (let i = 0; i < 10; i++) await one.call('POST', '/runs/a/points', clipped(i * 20))
    await one.call('POST', '/runs/a/events', { events: [{ step: 7, label: 'checkpoint' }] })
    await one.call('PATCH', '/runs/a', { status: 'finished' })
    await reader.until((frame) => frame.type === 'run' && frame.run.status === 'finished')
    await reader.until(isType('event'))
    await reader.until((frame) => frame.type === 'finding' && frame.finding.state === 'closed')
    expect([...pointsOf(reader.frames, 'grad_norm').keys()]).toEqual(Array.from({ length: 200 }, (_, i) => i))
    expect(reader.frames.filter(isType('gap'))).toEqual([])
    await one.call('DELETE', '/runs/a')
    await reader.until((frame) => frame.type === 'gap' && frame.reason === 'deleted')
  })

  it('goes on where it was at the server it came from, and misses nothing', async () => {
    const [one, two] = await startServers()
    const urls = [await one.listen(), await two.listen()]
    await one.call('PUT', '/runs/a', { clip })
    let after: number | undefined
    const seen = new Set<number>()
    for (let i = 0; i < 6; i++) {
      await one.call('POST', '/runs/a/points', clipped(i * 40))
      const reader = await liveClient(urls[i % 2] as string)
      reader.send({ type: 'watch', run: 'a', ...(after !== undefined && { after }) })
      await reader.until(isType('run'))
      await two.call('POST', '/runs/a/points', clipped(i * 40 + 20))
      const last = await reader.until(
        (frame) => frame.type === 'points' && frame.columns.step.at(-1) === i * 40 + 39,
      )
      if (last.type === 'points') after = last.seq
      if (i > 0) expect(reader.frames.filter(isType('gap'))).toEqual([])
      for (const step of pointsOf(reader.frames, 'grad_norm').keys()) seen.add(step)
      reader.socket.terminate()
    }
    // the first reader came after the first batch
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 220 }, (_, i) => i + 20))
  })

  it('is told to fetch when a run is cut, and gets what comes after', async () => {
    const [one, two] = await startServers()
    await one.call('PUT', '/runs/a', { clip })
    await one.call('POST', '/runs/a/points', clipped(0, 100))
    const reader = await liveClient(await two.listen())
    reader.send({ type: 'watch', run: 'a' })
    await reader.until(isType('run'))
    await one.call('PATCH', '/runs/a', { truncate_after: 49 })
    await reader.until(isType('gap'))
    await one.call('POST', '/runs/a/points', clipped(50))
    await reader.until((frame) => frame.type === 'points' && frame.columns.step.includes(69))
    await reader.until((frame) => frame.type === 'run' && frame.run.points === 70)
  })

  it('hears in the list of runs that are made, change and go, and of their findings', async () => {
    const [one, two] = await startServers()
    const reader = await liveClient(await two.listen())
    reader.send({ type: 'watch', runs: {} })
    reader.send({ type: 'watch', run: 'nobody' })
    await reader.until(isType('error'))
    await one.call('PUT', '/runs/a', { clip })
    await reader.until((frame) => frame.type === 'run' && frame.run.id === 'a')
    await one.call('POST', '/runs/a/points', clipped(0, 200))
    await reader.until((frame) => frame.type === 'finding' && frame.finding.run === 'a')
    await reader.until((frame) => frame.type === 'run' && frame.run.points === 200)
    await one.call('DELETE', '/runs/a')
    await reader.until((frame) => frame.type === 'gap' && frame.run === 'a' && frame.reason === 'deleted')
  })

  it('waits for a finding that opens at any server', async () => {
    const [one, two] = await startServers()
    await one.call('PUT', '/runs/a', { clip })
    const waiting = two.call('GET', '/findings?run=a&kind=clip_saturated&wait=60')
    await expect.poll(() => two.services.hub.waits.size).toBe(1)
    await one.call('POST', '/runs/a/points', clipped(0, 200))
    expect((await waiting).body.findings).toMatchObject([{ run: 'a', kind: 'clip_saturated' }])
  })
})

it('signs a person in whose way back leads to another server, and out at each of them', async () => {
  const provider = await startIdentityProvider()
  const folder = await tempFolder()
  const [one, two] = [
    await startWith(provider, ROLES, { folder }),
    await startWith(provider, ROLES, { folder }),
  ]
  const { headers, query } = await begin(one, provider)
  const answer = await two.inject({ url: `${START}/callback?${query}`, headers })
  const session = pair(cookiesOf(answer).find((cookie) => cookie.startsWith('normwatch_session=')))
  for (const server of [one, two])
    expect(await whoIs(server, session)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
  await one.inject({ method: 'DELETE', url: '/api/v1/session', headers: { ...session, ...SAME } })
  for (const server of [one, two]) expect(await whoIs(server, session)).toMatchObject({ caller: null })
})

it('has one chain of audit entries, whichever server they are written at', async () => {
  const servers = await startServers(3)
  const changes = servers.flatMap(({ call }, server) =>
    Array.from({ length: 20 }, (_, i) =>
      call('PUT', `/projects/p${server}-${i}/settings`, { clip_saturated: { enabled: false } }),
    ),
  )
  for (const { status } of await Promise.all(changes)) expect(status).toBe(200)
  for (const { call } of servers) {
    expect((await call('GET', '/audit/verify')).body).toMatchObject({ ok: true, entries: 60, last: 60 })
  }
})
