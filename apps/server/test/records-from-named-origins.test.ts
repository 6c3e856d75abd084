import { describe, expect, it } from 'vitest'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp } from './start-app.ts'

const LAB = 'http://localhost:5173'
const access = { allowedOrigins: [LAB] }
/** What browsers ask before a page may make a request. */
const preflight = (method: string, path: string, origin = LAB) =>
  ({
    method: 'OPTIONS',
    url: `/api/v1${path}`,
    headers: {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'authorization,content-encoding,content-type',
    },
  }) as const

const SETS_OF_ROUTES = {
  recording: [
    ['POST', '/runs'],
    ['PUT', '/runs/r'],
    ['GET', '/runs/r'],
    ['PATCH', '/runs/r'],
    ['POST', '/runs/r/points'],
    ['POST', '/runs/r/events'],
  ],
  everythingElse: [
    ['GET', '/runs'],
    ['DELETE', '/runs/r'],
    ['GET', '/runs/r/points'],
    ['GET', '/findings'],
    ['POST', '/tokens'],
    ['POST', '/session'],
    ['PUT', '/runs/r/settings'],
    ['POST', '/channels'],
    ['POST', '/runs/r/points/x'],
  ],
} as const

describe('pages of a named origin', () => {
  it.each(SETS_OF_ROUTES.recording)('may ask for %s %s', async (method, path) => {
    const { inject } = await startApp({ access })
    const { status, headers } = await inject(preflight(method, path))
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': LAB,
      'access-control-allow-methods': method,
      'access-control-allow-headers': 'authorization, content-type, content-encoding',
      vary: 'origin',
    })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
  })

  it.each(SETS_OF_ROUTES.everythingElse)('may not ask for %s %s', async (method, path) => {
    const { inject } = await startApp({ access })
    const { status, headers } = await inject(preflight(method, path))
    expect(status).toBeGreaterThanOrEqual(400)
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    const asked = await inject({ method, url: `/api/v1${path}`, headers: { origin: LAB }, payload: {} })
    expect(asked.status).toBeGreaterThanOrEqual(400)
    expect(asked.headers).not.toHaveProperty('access-control-allow-origin')
  })

  it.each([
    'http://localhost:5174',
    'https://localhost:5173',
    'http://localhost:5173.evil.example',
    'http://LOCALHOST:5173',
    'null',
  ])('are not those of %s', async (origin) => {
    const { inject, call } = await startApp({ access })
    const asked = await inject(preflight('PUT', '/runs/r', origin))
    const done = await inject({ method: 'PUT', url: '/api/v1/runs/r', headers: { origin }, payload: {} })
    for (const { status, headers } of [asked, done]) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(headers).not.toHaveProperty('access-control-allow-origin')
    }
    expect((await call('GET', '/runs')).body.runs).toEqual([])
  })

  it('record on an open server, not by a rebound name', async () => {
    const { inject, call } = await startApp({ access })
    const put = (host: string) =>
      inject({ method: 'PUT', url: '/api/v1/runs/r', headers: { host, origin: LAB }, payload: {} })
    expect(await put('evil.example')).toMatchObject({ status: 403 })
    expect(await put('127.0.0.1:4280')).toMatchObject({
      status: 201,
      headers: { 'access-control-allow-origin': LAB },
    })
    expect((await call('GET', '/runs')).body.runs).toHaveLength(1)
  })

  it('need a token where one is asked for, and can read the refusal', async () => {
    const app = await startApp({ access: { ...access, isShared: true } })
    const write = await makeToken(app, { scope: 'write' })
    const put = (headers: object) =>
      app.inject({
        method: 'PUT',
        url: '/api/v1/runs/r',
        headers: { origin: LAB, ...headers },
        payload: {},
      })
    expect((await app.inject(preflight('PUT', '/runs/r'))).status).toBe(204)
    expect(await put({})).toMatchObject({
      status: 401,
      headers: { 'access-control-allow-origin': LAB },
      body: { error: { code: 'token_missing' } },
    })
    expect(await put(bearer(write.secret))).toMatchObject({ status: 201 })
  })
})
