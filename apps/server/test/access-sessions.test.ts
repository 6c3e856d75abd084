import { expect, it } from 'vitest'
import { hashSecret } from '../src/access/identity/secret.ts'
import { SESSION_LIVES_MS } from '../src/access/identity/session-cookie.ts'
import type { StoredSession } from '../src/storage/session-store.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp, type Answer, type TestApp } from './start-app.ts'

const SAME = { origin: 'http://localhost' }

function signIn({ inject }: TestApp, token: string, headers: Record<string, string> = SAME) {
  return inject({ method: 'POST', url: '/api/v1/session', payload: { token }, headers })
}
const setCookie = ({ headers }: Answer) => String(headers['set-cookie'])
const cookieOf = (answer: Answer) => ({ cookie: setCookie(answer).split(';')[0] as string })

it('signs a browser in with a cookie that no script reads and no other site sends', async () => {
  const service = await startApp()
  const { secret } = await makeToken(service, { scope: 'read', name: 'Ada' })
  const answer = await signIn(service, secret)
  expect(answer).toMatchObject({ status: 200, body: { open: false, caller: { name: 'Ada', scope: 'read' } } })
  expect(setCookie(answer)).toMatch(
    /^normwatch_session=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
  )
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.text).not.toContain(secret)
  const headers = cookieOf(answer)
  expect(await service.inject({ url: '/api/v1/runs', headers })).toMatchObject({ status: 200 })
  expect(await service.inject({ url: '/api/v1/session', headers })).toMatchObject({
    body: { caller: { name: 'Ada' } },
  })
})

it('marks the cookie Secure behind TLS, and keeps it below the base path', async () => {
  const service = await startApp({ trustProxy: '127.0.0.1', access: { basePath: '/normwatch' } })
  const { secret } = await makeToken(service, { scope: 'read' })
  const answer = await signIn(service, secret, { ...SAME, 'x-forwarded-proto': 'https' })
  expect(setCookie(answer)).toMatch(/; Path=\/normwatch;.*; Secure/)
})

it('ends a session by sign-out, by its expiry, and with its token', async () => {
  let time = Date.now()
  const service = await startApp({ now: () => time })
  const first = await makeToken(service, { scope: 'admin' })
  const list = (headers: Record<string, string>) => service.inject({ url: '/api/v1/runs', headers })
  const ended = { status: 401, body: { error: { code: 'session_invalid' } } }

  const signedOut = cookieOf(await signIn(service, first.secret))
  const out = await service.inject({
    method: 'DELETE',
    url: '/api/v1/session',
    headers: { ...signedOut, ...SAME },
  })
  expect(out.status).toBe(204)
  expect(setCookie(out)).toMatch(/^normwatch_session=; /)
  expect(await list(signedOut)).toMatchObject(ended)

  const expired = cookieOf(await signIn(service, first.secret))
  time += SESSION_LIVES_MS - 1
  expect(await list(expired)).toMatchObject({ status: 200 })
  time += 1
  expect(await list(expired)).toMatchObject(ended)

  const orphaned = cookieOf(await signIn(service, first.secret))
  await service.services.store.tokens.revoke(first.id, time)
  expect(await list(orphaned)).toMatchObject(ended)
})

it('never lets a session outlive its token', async () => {
  let time = Date.now()
  const service = await startApp({ now: () => time })
  const { secret } = await makeToken(service, { scope: 'read' }, { expires_at: time + 60_000 })
  const answer = await signIn(service, secret)
  expect(answer.body.caller.expires_at).toBe(new Date(time + 60_000).toISOString())
  time += 60_000
  expect((await service.inject({ url: '/api/v1/runs', headers: cookieOf(answer) })).status).toBe(401)
})

it('ends the sessions of an operator token that was changed', async () => {
  const [before, after] = [`nw_${'a'.repeat(43)}`, `nw_${'b'.repeat(43)}`]
  const service = await startApp({ access: { operatorToken: before } })
  const headers = cookieOf(await signIn(service, before))
  expect((await service.inject({ url: '/api/v1/tokens', headers })).status).toBe(200)
  const restarted = await startApp({ access: { operatorToken: after } })
  const session = await service.services.store.tokens.session(
    hashSecret(headers.cookie.split('=')[1] as string),
  )
  await restarted.services.store.tokens.openSession(session as StoredSession, Date.now())
  expect(await restarted.inject({ url: '/api/v1/tokens', headers })).toMatchObject({
    status: 401,
    body: { error: { code: 'session_invalid' } },
  })
})

it('refuses to sign in with what is no valid token', async () => {
  const service = await startApp()
  const expired = await makeToken(service, { scope: 'admin' }, { expires_at: 1 })
  const cases = [
    ['nw_nonsense', 'token_invalid'],
    [expired.secret, 'token_expired'],
  ] as const
  for (const [token, code] of cases) {
    const answer = await signIn(service, token)
    expect(answer).toMatchObject({ status: 401, body: { error: { code } } })
    expect(answer.headers['set-cookie']).toBeUndefined()
  }
})

it.each([
  ['a foreign page', { origin: 'http://evil.example' }],
  ['a page on another port', { origin: 'http://localhost:8080' }],
  ['a page without an origin', { origin: 'null' }],
  ['no page at all', {}],
])('lets a cookie change nothing for %s', async (_, from) => {
  const service = await startApp()
  const { secret } = await makeToken(service, { scope: 'admin' })
  const cookie = cookieOf(await signIn(service, secret))
  const put = (headers: object) =>
    service.inject({ method: 'PUT', url: '/api/v1/runs/r', payload: {}, headers: { ...headers } })
  expect(await put({ ...cookie, ...from })).toMatchObject({
    status: 403,
    body: { error: { code: 'origin_not_allowed' } },
  })
  expect((await put({ ...cookie, ...SAME })).status).toBe(201)
  expect((await put({ ...bearer(secret), ...from })).status).toBe(200)
})
