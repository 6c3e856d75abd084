import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { newTokenSecret } from '../src/access/identity/secret.ts'
import { dashboardFixture } from './access-fixtures.ts'
import { startApp } from './start-app.ts'

const NOTEBOOK = 'http://localhost:8888'

describe('a page of another origin', () => {
  it('frames no page unless its origin was named, and nothing but pages then', async () => {
    const dashboard = await dashboardFixture()
    const [closed, open] = [await startApp({ dashboard }), await startApp({ dashboard, embed: [NOTEBOOK] })]
    const policy = async (app: typeof open, url: string) =>
      /frame-ancestors (.*)/.exec(String((await app.inject({ url })).headers['content-security-policy']))?.[1]
    expect(await policy(closed, '/')).toBe(`'none'`)
    expect(await policy(open, '/')).toBe(NOTEBOOK)
    expect(await policy(open, '/api/v1/runs')).toBe(`'none'`)
  })

  it('has a session in its frame: a cookie of that site alone, for trustworthy connections', async () => {
    const operatorToken = newTokenSecret()
    const access = { operatorToken, isShared: true }
    const cookieOf = async (embed: string[], host: string, headers = {}) => {
      const app = await startApp({ access, embed, trustProxy: true })
      const payload = { token: operatorToken }
      const reply = await app.inject({
        method: 'POST',
        url: '/api/v1/session',
        payload,
        headers: { host, ...headers },
      })
      return String(reply.headers['set-cookie']).replace(/^.*?; HttpOnly/, '')
    }
    expect(await cookieOf([], 'localhost:4280')).toBe('; SameSite=Strict')
    expect(await cookieOf([NOTEBOOK], 'localhost:4280')).toBe('; Secure; Partitioned; SameSite=None')
    expect(await cookieOf([NOTEBOOK], 'gpu-4:4280')).toBe('; SameSite=Strict')
    const tls = { 'x-forwarded-proto': 'https' }
    expect(await cookieOf([NOTEBOOK], 'gpu-4', tls)).toBe('; Secure; Partitioned; SameSite=None')
  })

  it.each([
    '*',
    'localhost:8888',
    'http://localhost:8888/lab',
    'https://*.example',
    "http://a; script-src 'x'",
  ])('is named exactly: %s is refused', (origin) => {
    expect(() => readConfig(['--embed', origin], {})).toThrow(ConfigError)
  })
})

describe("a hub's proxy before an open server", () => {
  const from = (host: string, origin?: string) => ({
    url: '/api/v1/runs',
    headers: { host, ...(origin === undefined ? {} : { origin }) },
  })

  it('is let in by the names that were allowed, and by no other', async () => {
    const app = await startApp({ access: { allowedHosts: ['hub.example', 'other.example:8443'] } })
    for (const [host, origin] of [
      ['hub.example', undefined],
      ['HUB.example:8000', undefined],
      ['hub.example', 'https://hub.example'],
      ['hub.example', 'http://hub.example'],
      ['other.example:8443', undefined],
      ['localhost:4280', 'http://localhost:4280'],
    ] as const) {
      expect([host, origin, (await app.inject(from(host, origin))).status]).toEqual([host, origin, 200])
    }
    for (const [host, origin, code] of [
      ['evil.example', undefined, 'host_not_allowed'],
      ['hub.example.evil.example', undefined, 'host_not_allowed'],
      ['other.example', undefined, 'host_not_allowed'],
      ['hub.example', 'https://evil.example', 'origin_not_allowed'],
      ['localhost:4280', 'https://localhost:4280', 'origin_not_allowed'],
    ] as const) {
      const reply = await app.inject(from(host, origin))
      expect([host, origin, reply.body.error.code]).toEqual([host, origin, code])
    }
  })

  it.each(['*', 'https://hub.example', 'hub.example/x', ''])('%j is no name', (name) => {
    expect(() => readConfig(['--allowed-hosts', name], {})).toThrow(ConfigError)
  })
})
