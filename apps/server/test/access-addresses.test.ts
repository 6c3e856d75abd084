import { expect, it } from 'vitest'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp } from './start-app.ts'

it('lets a token be used from the addresses that it names, and nowhere else', async () => {
  const service = await startApp()
  const here = await makeToken(service, { scope: 'read', addresses: ['10.0.0.0/8', '127.0.0.1'] })
  const elsewhere = await makeToken(service, { scope: 'read', addresses: ['192.0.2.0/24', '::1'] })
  const url = `${await service.listen()}/api/v1`
  const list = (secret: string) => fetch(`${url}/runs`, { headers: bearer(secret) })
  const signIn = (token: string) =>
    fetch(`${url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token }),
    })
  for (const ask of [list, signIn]) {
    expect((await ask(here.secret)).status).toBe(200)
    const refused = await ask(elsewhere.secret)
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { error: { code: 'address_forbidden' } },
    ])
  }
})

it('says of a token where it may be used and which token made it', async () => {
  const service = await startApp()
  const admin = await makeToken(service, { scope: 'admin', name: 'ops' })
  const make = (addresses: string[]) =>
    service.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      payload: { name: 'ci', scope: 'write', addresses },
      headers: bearer(admin.secret),
    })
  const made = await make(['10.0.0.0/8', '::1'])
  expect([made.status, made.body]).toMatchObject([
    201,
    { addresses: ['10.0.0.0/8', '::1'], created_by: 'ops' },
  ])
  const refused = await make(['::1', '10.0.0.0/33'])
  expect([refused.status, refused.body.error]).toMatchObject([
    400,
    { details: [{ path: '/addresses/1', message: 'must be an IP address or a CIDR range' }] },
  ])
  const { body } = await service.inject({ url: '/api/v1/tokens', headers: bearer(admin.secret) })
  expect(body.tokens).toHaveLength(2)
})
