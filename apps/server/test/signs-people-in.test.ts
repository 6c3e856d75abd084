import { describe, expect, it } from 'vitest'
import { bearer, makeToken } from './access-fixtures.ts'
import { startIdentityProvider } from './identity-provider.ts'
import { begin, cookiesOf, pair, resultOf, ROLES, SAME, signIn, START, startWith, whoIs } from './people.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

describe('signing people in with an OpenID Connect provider', () => {
  it('asks everybody, and names the provider, before any token was made', async () => {
    const service = await startWith(await startIdentityProvider())
    expect(await whoIs(service, {})).toEqual({ open: false, caller: null, provider: { name: 'the lab' } })
    expect((await service.inject({ url: '/api/v1/runs' })).status).toBe(401)
  })

  it('gives who comes back a session with the roles of their groups, and leads to where they wanted', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { answer, headers } = await signIn(service, provider)
    expect(resultOf(answer)).toEqual({ to: '/runs/a', done: '1' })
    expect(cookiesOf(answer)[1]).toMatch(
      /^normwatch_session=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
    )
    expect(await whoIs(service, headers)).toMatchObject({
      caller: {
        name: 'Ada Lovelace',
        grants: [
          { scope: 'write', projects: ['vision-*'] },
          { scope: 'read', projects: ['vision-*'] },
          { scope: 'read', projects: 'all' },
        ],
        signs_out: true,
      },
    })
    const put = (project: string) =>
      service.inject({
        method: 'PUT',
        url: `/api/v1/runs/${project}`,
        payload: { project },
        headers: { ...headers, ...SAME },
      })
    expect((await put('vision-1')).status).toBe(201)
    expect(await put('nlp')).toMatchObject({ status: 403, body: { error: { code: 'project_forbidden' } } })
  })

  it('tells the provider as little as it must, and its cookie goes to the way back alone', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { start } = await begin(service, provider)
    const url = new URL(String(start.headers['location']))
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'normwatch',
      response_type: 'code',
      redirect_uri: 'http://localhost/api/v1/session/oidc/callback',
      scope: 'openid profile email',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    })
    expect(cookiesOf(start)).toEqual([
      expect.stringMatching(
        /^normwatch_sign_in_[\w-]{16}=[\w-]+; Max-Age=600; Path=\/api\/v1\/session\/oidc\/callback; HttpOnly; SameSite=Lax$/,
      ),
    ])
  })

  it('refuses who is in no group that has a role, and lets in everyone where everyone has one', async () => {
    const provider = await startIdentityProvider()
    provider.person = { sub: 'eve', groups: ['sales'] }
    const strict = await signIn(await startWith(provider), provider)
    expect(resultOf(strict.answer)).toEqual({ to: '/runs/a', failed: 'no_role' })
    expect(strict.headers.cookie).toBeUndefined()
    const open = await signIn(await startWith(provider, 'everyone=read:*'), provider)
    expect(resultOf(open.answer)).toEqual({ to: '/runs/a', done: '1' })
  })

  it('says so when the person says no', async () => {
    const provider = await startIdentityProvider()
    provider.person = 'denied'
    const { answer } = await signIn(await startWith(provider), provider)
    expect(resultOf(answer)).toEqual({ to: '/runs/a', failed: 'denied' })
  })

  const seconds = () => Math.floor(Date.now() / 1_000)
  it.each<[string, (claims: Record<string, unknown>) => Record<string, unknown>]>([
    ['for another audience', (claims) => ({ ...claims, aud: 'another' })],
    [
      'for another audience too, by another party',
      (claims) => ({ ...claims, aud: ['normwatch', 'b'], azp: 'b' }),
    ],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
    ['that has expired', (claims) => ({ ...claims, exp: seconds() - 120 })],
    ['from the future', (claims) => ({ ...claims, nbf: seconds() + 120 })],
    ['with the nonce of another sign-in', (claims) => ({ ...claims, nonce: 'x'.repeat(43) })],
    ['without a nonce', ({ nonce: _, ...claims }) => claims],
    ['of nobody', ({ sub: _, ...claims }) => claims],
  ])('refuses an ID token %s', async (_, change) => {
    const provider = await startIdentityProvider()
    provider.change = change
    const { answer, headers } = await signIn(await startWith(provider), provider)
    expect(resultOf(answer)).toEqual({ to: '/runs/a', failed: 'failed' })
    expect(headers.cookie).toBeUndefined()
  })

  it('bears a clock that differs by less than a minute', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    for (const shift of [-30, 30]) {
      provider.change = (claims) => ({
        ...claims,
        iat: seconds() + shift,
        nbf: seconds() + shift,
        exp: seconds() + shift + 1,
      })
      expect(resultOf((await signIn(service, provider)).answer)).toMatchObject({ done: '1' })
    }
  })

  it('takes new keys of the provider at once, and no longer the old ones', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    expect(resultOf((await signIn(service, provider)).answer)).toMatchObject({ done: '1' })
    await provider.rotateKeys()
    expect(resultOf((await signIn(service, provider)).answer)).toMatchObject({ done: '1' })
    await provider.signWithOldKeys()
    expect(resultOf((await signIn(service, provider)).answer)).toMatchObject({ failed: 'failed' })
  })

  it('lets one sign-in open one session, whichever part of it is sent again', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { callback, query } = await begin(service, provider)
    expect(resultOf(await callback())).toMatchObject({ done: '1' })
    expect(resultOf(await callback())).toMatchObject({ failed: expect.stringMatching(/stale|failed/) })
    // a new code under the old state
    const again = await begin(service, provider)
    query.set('code', again.query.get('code') as string)
    expect(resultOf(await callback(`${START}/callback?${query}`))).toMatchObject({ failed: 'failed' })
    expect(await service.services.store.tokens.sessions(Date.now())).toHaveLength(1)
  })

  it.each<[string, (query: URLSearchParams) => void]>([
    ['of another state', (query) => query.set('state', 'x'.repeat(43))],
    ['without a state', (query) => query.delete('state')],
  ])('refuses an answer %s, as one that was not asked for', async (_, change) => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { callback, query } = await begin(service, provider)
    change(query)
    expect(resultOf(await callback(`${START}/callback?${query}`))).toEqual({ failed: 'stale' })
  })

  it.each<[string, (query: URLSearchParams) => void]>([
    ['of another provider', (query) => query.set('iss', 'https://evil.example')],
    ['of no provider', (query) => query.delete('iss')],
    ['with another code', (query) => query.set('code', 'x'.repeat(43))],
  ])('refuses an answer %s', async (_, change) => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { callback, query } = await begin(service, provider)
    change(query)
    expect(resultOf(await callback(`${START}/callback?${query}`))).toEqual({
      to: '/runs/a',
      failed: 'failed',
    })
  })

  it('refuses an answer in another browser than the one that asked, and after ten minutes', async () => {
    let time = Date.now()
    const provider = await startIdentityProvider()
    const service = await startWith(provider, ROLES, { now: () => time })
    const mine = await begin(service, provider)
    const other = await begin(service, provider)
    expect(resultOf(await mine.callback(undefined, {}))).toEqual({ failed: 'stale' })
    expect(resultOf(await mine.callback(undefined, other.headers))).toEqual({ failed: 'stale' })
    time += 600_000
    expect(resultOf(await mine.callback())).toEqual({ failed: 'stale' })
  })

  it('says that the provider is not reachable; who is signed in, and tokens, go on', async () => {
    const provider = await startIdentityProvider()
    let time = Date.now()
    const service = await startWith(provider, ROLES, { now: () => time })
    const token = await makeToken(service, { scope: 'read' })
    const { headers } = await signIn(service, provider)
    const onTheWay = await begin(service, provider)
    await provider.stop()
    expect(resultOf(await onTheWay.callback())).toEqual({ to: '/runs/a', failed: 'unreachable' })
    time += 61_000
    expect(resultOf(await service.inject({ url: `${START}?to=%2Fx` }))).toEqual({
      to: '/x',
      failed: 'unreachable',
    })
    for (const from of [headers, bearer(token.secret)]) {
      expect((await service.inject({ url: '/api/v1/runs', headers: from })).status).toBe(200)
    }
    expect((await service.inject({ url: '/readyz' })).status).toBe(200)
    expect(
      await service.inject({ method: 'DELETE', url: '/api/v1/session', headers: { ...headers, ...SAME } }),
    ).toMatchObject({
      status: 200,
      body: { continue_at: null },
    })
    await provider.start()
    expect(resultOf((await signIn(service, provider)).answer)).toMatchObject({ done: '1' })
  })

  it('lets a server start without a token on an address that others reach', async () => {
    const { issuer, settings } = await startIdentityProvider()
    const { url, output } = await startServer(await tempFolder(), ['--host', '0.0.0.0'], {
      NORMWATCH_OIDC_ISSUER: issuer,
      NORMWATCH_OIDC_CLIENT_ID: settings.clientId,
      NORMWATCH_OIDC_CLIENT_SECRET: settings.clientSecret,
      NORMWATCH_ROLES: 'ml=read',
    })
    const here = url.replace('0.0.0.0', '127.0.0.1')
    expect((await fetch(`${here}/api/v1/runs`)).status).toBe(401)
    const start = await fetch(here + START, { redirect: 'manual' })
    expect(start.headers.get('location')).toMatch(`${issuer}/auth?`)
    expect(output()).not.toContain(settings.clientSecret)
  })

  it('starts while the provider is away', async () => {
    const provider = await startIdentityProvider()
    await provider.stop()
    const service = await startWith(provider)
    expect(resultOf(await service.inject({ url: START }))).toEqual({ failed: 'unreachable' })
  })

  it('completes a sign-in on another server than the one it began on', async () => {
    const provider = await startIdentityProvider()
    const [first, second] = [await startWith(provider), await startWith(provider)]
    const { headers, query } = await begin(first, provider)
    const answer = await second.inject({ url: `${START}/callback?${query}`, headers })
    expect(resultOf(answer)).toEqual({ to: '/runs/a', done: '1' })
  })

  it('ends sessions after their hours, and those of a group whose role is taken away', async () => {
    let time = Date.now()
    const provider = await startIdentityProvider()
    const service = await startWith(provider, ROLES, { now: () => time })
    const { headers } = await signIn(service, provider)
    const session = (await service.services.store.tokens.sessions(time))[0]
    const stricter = await startWith(provider, 'others=read')
    await stricter.services.store.tokens.openSession(session as NonNullable<typeof session>, time)
    expect(await whoIs(stricter, headers)).toMatchObject({ caller: null })
    time += 12 * 3_600_000 - 1
    expect(await whoIs(service, headers)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
    time += 1
    expect(await service.inject({ url: '/api/v1/runs', headers })).toMatchObject({
      status: 401,
      body: { error: { code: 'session_invalid' } },
    })
  })

  it('has who signed in, out and was refused in the audit log', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { headers } = await signIn(service, provider)
    await service.inject({ method: 'DELETE', url: '/api/v1/session', headers: { ...headers, ...SAME } })
    provider.person = { sub: 'eve', groups: ['sales'] }
    await signIn(service, provider)
    provider.person = 'denied'
    await signIn(service, provider)
    const entries = await service.services.store.audit.read(0, 9)
    expect(entries).toMatchObject([
      { action: 'session.open', actor: 'Ada Lovelace', detail: 'with the lab' },
      { action: 'session.close', actor: 'Ada Lovelace', target: entries[0]?.target },
      { action: 'session.refuse', detail: 'no_role' },
      { action: 'session.refuse', actor: 'unknown', actor_id: null, detail: 'denied' },
    ])
    expect(entries[2]?.actor_id).toMatch(/^person_/)
  })

  it('ends the session here at sign-out, and says where to end that of the provider', async () => {
    const provider = await startIdentityProvider()
    const service = await startWith(provider)
    const { headers } = await signIn(service, provider)
    const out = await service.inject({
      method: 'DELETE',
      url: '/api/v1/session',
      headers: { ...headers, ...SAME },
    })
    expect(out.status).toBe(200)
    const url = new URL(out.body.continue_at)
    expect(url.origin).toBe(provider.issuer)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      id_token_hint: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      post_logout_redirect_uri: 'http://localhost/sign-in',
    })
    expect((await service.inject({ url: '/api/v1/runs', headers })).status).toBe(401)
  })

  it('logs why a sign-in failed, and no secret of any', async () => {
    const provider = await startIdentityProvider()
    let log = ''
    const stream = { write: (line: string) => void (log += line) }
    const service = await startWith(provider, ROLES, { logger: { level: 'trace', stream } })
    const { callback, query, headers } = await begin(service, provider)
    const { cookie } = pair(cookiesOf(await callback())[1])
    provider.change = (claims) => ({ ...claims, aud: 'another' })
    await signIn(service, provider)
    expect(log).toContain('unexpected JWT \\"aud\\" (audience) claim value')
    const secrets = [
      provider.settings.clientSecret,
      cookie.split('=')[1],
      headers.cookie.split('=')[1],
      ...['code', 'state'].map((name) => query.get(name)),
    ]
    for (const secret of secrets) expect(log).not.toContain(secret)
    expect(log).not.toMatch(/eyJ[\w-]+\.[\w-]+\./)
  })
})
