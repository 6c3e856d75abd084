import { describe, expect, it } from 'vitest'
import { readRoles, type Roles } from '../src/access/identity/roles.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp } from './start-app.ts'

const ADA = { 'x-forwarded-user': 'ada@lab.example', 'x-forwarded-groups': 'staff, ml' }
const ROLES = 'ml=read;admins=admin'

function startBehind(proxies: readonly string[] | 'socket', roles = ROLES) {
  const proxyUsers = { userHeader: 'x-forwarded-user', groupsHeader: 'x-forwarded-groups', proxies }
  const people = { proxyUsers, roles: readRoles(roles) as Roles, sessionHours: 12 }
  return startApp({ access: { people } })
}

describe('a proxy that signs people in', () => {
  it.each([[['loopback']], [['10.0.0.0/8', '127.0.0.1']], ['socket' as const]])(
    'says who asks, and in which groups they are: %j',
    async (proxies) => {
      const service = await startBehind(proxies)
      expect((await service.inject({ url: '/api/v1/session', headers: ADA })).body).toMatchObject({
        open: false,
        caller: { name: 'ada@lab.example', grants: [{ scope: 'read', projects: 'all' }], signs_out: false },
      })
      expect((await service.inject({ url: '/api/v1/runs', headers: ADA })).status).toBe(200)
      const put = { method: 'PUT' as const, url: '/api/v1/runs/a', payload: {} }
      const headers = { ...ADA, origin: 'http://localhost' }
      expect(await service.inject({ ...put, headers })).toMatchObject({
        status: 403,
        body: { error: { code: 'scope_forbidden' } },
      })
    },
  )

  it.each<[string, Record<string, string>, readonly string[], string]>([
    ['from any other address', ADA, ['10.0.0.0/8'], 'token_missing'],
    [
      'from another address, whatever it forwards',
      { ...ADA, 'x-forwarded-for': '10.0.0.1' },
      ['10.0.0.0/8'],
      'token_missing',
    ],
    [
      'that is joined with one of the client',
      { ...ADA, 'x-forwarded-user': 'eve, ada' },
      ['loopback'],
      'token_missing',
    ],
    ['that is empty', { ...ADA, 'x-forwarded-user': '' }, ['loopback'], 'token_missing'],
    ['of somebody without a role', { 'x-forwarded-user': 'eve' }, ['loopback'], 'role_missing'],
  ])('is not believed a name %s', async (_, headers, proxies, code) => {
    const service = await startBehind(proxies)
    const answer = await service.inject({ url: '/api/v1/runs', headers })
    expect(answer.body.error.code).toBe(code)
    expect((await service.inject({ url: '/api/v1/session', headers })).body.caller).toBeNull()
  })

  it('cannot be used by a page of another site through the browser of somebody who is signed in', async () => {
    const service = await startBehind(['loopback'], 'ml=admin')
    const put = (from: Record<string, string>) =>
      service.inject({ method: 'PUT', url: '/api/v1/runs/a', payload: {}, headers: { ...ADA, ...from } })
    for (const from of [{ origin: 'https://evil.example' }, {}, { 'sec-fetch-site': 'cross-site' }]) {
      expect(await put(from)).toMatchObject({ status: 403, body: { error: { code: 'origin_not_allowed' } } })
    }
    expect((await put({ origin: 'http://localhost' })).status).toBe(201)
  })

  it('leaves tokens as they are', async () => {
    const service = await startBehind(['loopback'])
    const { secret } = await makeToken(service, { scope: 'write' })
    const headers = { ...ADA, ...bearer(secret) }
    const put = await service.inject({ method: 'PUT', url: '/api/v1/runs/a', payload: {}, headers })
    expect(put.status).toBe(201)
  })

  it('is not asked unless a setting says so', async () => {
    const service = await startApp({ access: { isPrivate: true }, trustProxy: 'loopback' })
    expect((await service.inject({ url: '/api/v1/runs', headers: ADA })).status).toBe(401)
  })
})
