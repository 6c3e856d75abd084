import { expect, it, vi } from 'vitest'
import { MAX_WAITS } from '../src/live/finding-waits.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp, type TestApp } from './start-app.ts'

/** Enough clipped steps for a run's clipping to saturate. */
const saturated = (from = 0) => ({
  columns: {
    step: Array.from({ length: 400 }, (_, i) => from + i),
    grad_norm: new Array<number>(400).fill(3),
  },
})
const clip = { mode: 'norm', max_norm: 1 } as const

/** Makes a run with one finding, or more of one later; its id. */
async function findIn({ call }: TestApp, run: string, project = 'default'): Promise<string> {
  await call('PUT', `/runs/${run}`, { project, clip })
  await call('POST', `/runs/${run}/points`, saturated())
  const { body } = await call('GET', `/findings?run=${run}&kind=clip_saturated`)
  return body.findings[0].id as string
}

const waiting = ({ services }: TestApp, count: number) =>
  vi.waitFor(() => expect(services.hub.waits.size).toBe(count), { timeout: 60_000, interval: 5 })

it('answers at once with the findings entered since the one that is known', async () => {
  const app = await startApp()
  const first = await findIn(app, 'a')
  const second = await findIn(app, 'b')
  const third = await findIn(app, 'c')
  const since = async (id: string, more = '') =>
    (await app.call('GET', `/findings?since=${id}&wait=60&kind=clip_saturated${more}`)).body.findings.map(
      (finding: { id: string }) => finding.id,
    ) as string[]
  expect(await since(first)).toEqual([third, second])
  expect(await since(first, '&run=b')).toEqual([second])
  expect(await since(first, '&limit=1')).toEqual([third])
  expect((await app.call('GET', `/findings?since=${third}&kind=clip_saturated`)).body).toEqual({
    findings: [],
    next_cursor: null,
  })
})

it('answers when a finding opens, to those whom it concerns', async () => {
  const app = await startApp()
  await app.call('PUT', '/runs/a', { clip })
  const any = app.call('GET', '/findings?wait=60')
  const ofRun = app.call('GET', '/findings?wait=60&run=a&kind=clip_saturated')
  const ofOther = app.call('GET', '/findings?wait=60&run=b')
  await waiting(app, 3)
  const id = await findIn(app, 'a')
  expect((await any).body.findings.length).toBeGreaterThan(0)
  expect((await ofRun).body.findings).toMatchObject([{ id, run: 'a' }])
  await waiting(app, 1)
  const later = app.call('GET', `/findings?wait=60&since=${id}&kind=clip_saturated`)
  await waiting(app, 2)
  const other = await findIn(app, 'b')
  expect((await later).body.findings).toMatchObject([{ id: other, run: 'b' }])
  expect((await ofOther).status).toBe(200)
})

it('answers with no finding when the time is over', async () => {
  const app = await startApp()
  const before = performance.now()
  const answer = await app.call('GET', '/findings?wait=1')
  expect(answer).toMatchObject({ status: 200, body: { findings: [], next_cursor: null } })
  expect(performance.now() - before).toBeGreaterThan(900)
  expect(app.services.hub.waits.size).toBe(0)
})

it('refuses longer waits and a finding that it does not know', async () => {
  const app = await startApp()
  expect(await app.call('GET', '/findings?wait=61')).toMatchObject({
    status: 400,
    body: { error: { code: 'query_invalid', details: [{ path: 'wait' }] } },
  })
  expect(await app.call('GET', '/findings?since=none&wait=60')).toMatchObject({
    status: 404,
    body: { error: { code: 'finding_not_found', message: 'There is no finding "none".' } },
  })
  expect(app.services.hub.waits.size).toBe(0)
})

it('lets one token wait so often and no more, and another all the same', async () => {
  const app = await startApp()
  const [one, other] = [await makeToken(app, { scope: 'read' }), await makeToken(app, { scope: 'read' })]
  const wait = ({ secret }: { secret: string }) =>
    app.inject({ url: '/api/v1/findings?wait=60', headers: bearer(secret) })
  const waits = Array.from({ length: MAX_WAITS.ofOneCaller }, () => wait(one))
  await waiting(app, MAX_WAITS.ofOneCaller)
  expect(await wait(one)).toMatchObject({
    status: 429,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'too_many_waits' } },
  })
  waits.push(wait(other))
  await waiting(app, MAX_WAITS.ofOneCaller + 1)
  await app.services.ingest.put('a', { clip })
  const { columns } = saturated()
  await app.inject({
    method: 'POST',
    url: '/api/v1/runs/a/points',
    headers: bearer((await makeToken(app, { scope: 'admin' })).secret),
    payload: { columns },
  })
  for (const answer of await Promise.all(waits)) expect(answer.status).toBe(200)
})

it('tells a token of one project of that project alone', async () => {
  const app = await startApp()
  await findIn(app, 'a', 'other')
  const mine = bearer((await makeToken(app, { scope: 'read', project: 'mine' })).secret)
  const admin = bearer((await makeToken(app, { scope: 'admin' })).secret)
  const ask = (query: string) => app.inject({ url: `/api/v1/findings${query}`, headers: mine })
  expect((await ask('')).body).toEqual({ findings: [], next_cursor: null })
  for (const query of ['?run=a&wait=60', '?project=other&wait=60']) {
    expect(await ask(query)).toMatchObject({ status: 403, body: { error: { code: 'project_forbidden' } } })
  }
  const found = ask('?wait=60')
  await waiting(app, 1)
  for (const [run, project] of [
    ['b', 'other'],
    ['c', 'mine'],
  ] as const) {
    await app.services.ingest.put(run, { project, clip })
    await app.inject({
      method: 'POST',
      url: `/api/v1/runs/${run}/points`,
      headers: admin,
      payload: saturated(),
    })
  }
  const runs = (await found).body.findings.map(({ run }: { run: string }) => run) as string[]
  expect(new Set(runs)).toEqual(new Set(['c']))
})

it('refuses a token that was revoked while it waited', async () => {
  const app = await startApp()
  const [reader, admin] = [await makeToken(app, { scope: 'read' }), await makeToken(app, { scope: 'admin' })]
  const answer = app.inject({ url: '/api/v1/findings?wait=60', headers: bearer(reader.secret) })
  await waiting(app, 1)
  const tokens = await app.inject({ url: '/api/v1/tokens', headers: bearer(admin.secret) })
  const { id } = tokens.body.tokens.find(({ scope }: { scope: string }) => scope === 'read') as { id: string }
  await app.inject({ method: 'DELETE', url: `/api/v1/tokens/${id}`, headers: bearer(admin.secret) })
  await app.services.ingest.put('a', { clip })
  const headers = bearer(admin.secret)
  await app.inject({ method: 'POST', url: '/api/v1/runs/a/points', headers, payload: saturated() })
  expect(await answer).toMatchObject({ status: 401, body: { error: { code: 'token_revoked' } } })
})

it('forgets a client that went away', async () => {
  const app = await startApp()
  const url = await app.listen()
  const gone = new AbortController()
  const request = fetch(`${url}/api/v1/findings?wait=60`, { signal: gone.signal })
  request.catch(() => undefined)
  await waiting(app, 1)
  gone.abort()
  await waiting(app, 0)
})

it('ends the waits at once when the server stops', async () => {
  const app = await startApp()
  const answer = app.call('GET', '/findings?wait=60')
  await waiting(app, 1)
  app.services.hub.close()
  expect(await answer).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { error: { code: 'shutting_down' } },
  })
  expect(await app.call('GET', '/findings?wait=60')).toMatchObject({ status: 503 })
})
