import { expect, it } from 'vitest'
import { startIdentityProvider, type IdentityProvider } from './identity-provider.ts'
import { signIn, startWith, whoIs } from './people.ts'
import type { TestApp } from './start-app.ts'

const seconds = () => Math.floor(Date.now() / 1_000)
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
type Claims = Record<string, unknown>

function tell({ inject }: TestApp, provider: IdentityProvider, change: (claims: Claims) => Claims) {
  const claims = {
    iss: provider.issuer,
    aud: 'normwatch',
    iat: seconds(),
    exp: seconds() + 120,
    jti: 'x',
    sub: 'ada',
    events,
  }
  return inject({
    method: 'POST',
    url: '/api/v1/session/oidc/logout',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams({ logout_token: provider.sign(change(claims)) }).toString(),
  })
}

const sidOf = async ({ services: { store } }: TestApp, nth: number) => {
  const idToken = (await store.tokens.sessions(0))[nth]?.id_token ?? ''
  return JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString()).sid as string
}

it('ends the session that the provider ended, and no other', async () => {
  const provider = await startIdentityProvider()
  let time = Date.now()
  const service = await startWith(provider, undefined, { now: () => time })
  const first = await signIn(service, provider)
  time += 1_000
  const second = await signIn(service, provider)
  const sid = await sidOf(service, 1)
  expect(await tell(service, provider, ({ sub: _, ...claims }) => ({ ...claims, sid }))).toMatchObject({
    status: 200,
  })
  expect(await whoIs(service, first.headers)).toMatchObject({ caller: null })
  expect(await whoIs(service, second.headers)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
  expect(await service.services.store.audit.read(2, 9)).toMatchObject([
    { action: 'session.close', actor: 'Ada Lovelace', detail: 'signed out at the lab' },
  ])
})

it('ends all sessions of a person where the provider names no session', async () => {
  const provider = await startIdentityProvider()
  const service = await startWith(provider)
  const browsers = [await signIn(service, provider), await signIn(service, provider)]
  provider.person = { sub: 'bob', groups: ['ml'] }
  const bob = await signIn(service, provider)
  expect((await tell(service, provider, (claims) => claims)).status).toBe(200)
  for (const { headers } of browsers) expect(await whoIs(service, headers)).toMatchObject({ caller: null })
  expect(await whoIs(service, bob.headers)).toMatchObject({ caller: { name: 'bob' } })
})

it.each<[string, (claims: Claims) => Claims]>([
  ['for another audience', (claims) => ({ ...claims, aud: 'another' })],
  ['of another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
  ['that has expired', (claims) => ({ ...claims, exp: seconds() - 120 })],
  ['that is old', (claims) => ({ ...claims, iat: seconds() - 600 })],
  ['that is an ID token', (claims) => ({ ...claims, nonce: 'x' })],
  ['without the event', ({ events: _, ...claims }) => claims],
  ['that names nobody', ({ sub: _, ...claims }) => claims],
])('does not believe a logout token %s', async (_, change) => {
  const provider = await startIdentityProvider()
  const service = await startWith(provider)
  const { headers } = await signIn(service, provider)
  expect(await tell(service, provider, change)).toMatchObject({
    status: 400,
    body: { error: { code: 'request_invalid', message: 'The logout token is not valid.' } },
  })
  expect(await whoIs(service, headers)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
})

it('does not believe a logout token that another key signed, or that nobody did', async () => {
  const provider = await startIdentityProvider()
  const service = await startWith(provider)
  const { headers } = await signIn(service, provider)
  await provider.signWithOldKeys()
  expect((await tell(service, provider, (claims) => claims)).status).toBe(400)
  const unsigned = await service.inject({
    method: 'POST',
    url: '/api/v1/session/oidc/logout',
    payload: { logout_token: 'eyJhbGciOiJub25lIn0.e30.' },
  })
  expect(unsigned.status).toBe(400)
  expect(await whoIs(service, headers)).toMatchObject({ caller: { name: 'Ada Lovelace' } })
})
