import { describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startApp } from './start-app.ts'

const upgradeStatus = (url: string, headers: Record<string, string>) =>
  new Promise<number>((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
    socket.on('unexpected-response', (_request, reply) => {
      resolve(reply.statusCode ?? 0)
      socket.terminate()
    })
    socket.on('open', () => {
      resolve(101)
      socket.terminate()
    })
    socket.on('error', () => undefined)
  })

const cases = [
  { name: 'a rebound name', headers: { host: 'evil.example' }, code: 'host_not_allowed' },
  {
    name: 'a name that begins like ours',
    headers: { host: 'localhost.evil.example' },
    code: 'host_not_allowed',
  },
  { name: 'an address of the network', headers: { host: '192.168.1.5:4280' }, code: 'host_not_allowed' },
  {
    name: 'another site',
    headers: { host: 'localhost', origin: 'https://evil.example' },
    code: 'origin_not_allowed',
  },
  {
    name: 'another port',
    headers: { host: 'localhost:4280', origin: 'http://localhost:8888' },
    code: 'origin_not_allowed',
  },
  {
    name: 'a page without origin',
    headers: { host: 'localhost', origin: 'null' },
    code: 'origin_not_allowed',
  },
]

describe('the service on loopback', () => {
  it.each(cases)('refuses $name, on HTTP and on the socket', async ({ headers, code }) => {
    const { inject, listen, call } = await startApp()
    const refusal = await inject({ method: 'PUT', url: '/api/v1/runs/r', headers, payload: {} })
    expect(refusal).toMatchObject({ status: 403, body: { error: { code } } })
    expect((await inject({ method: 'GET', url: '/healthz', headers })).status).toBe(403)
    expect(await upgradeStatus(await listen(), headers)).toBe(403)
    expect((await call('GET', '/runs')).body.runs).toEqual([])
  })

  it.each(['localhost', 'localhost:4280', '127.0.0.1:80', '127.9.9.9', '[::1]:4280', 'LOCALHOST'])(
    'answers %s and its own pages',
    async (host) => {
      const { inject } = await startApp()
      const headers = { host, origin: `http://${host}` }
      expect((await inject({ method: 'GET', url: '/healthz', headers })).status).toBe(200)
    },
  )

  it('gives other sites nothing to read', async () => {
    const { inject } = await startApp()
    const { headers } = await inject({ method: 'GET', url: '/api/v1/runs' })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
    expect(headers).toMatchObject({
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    })
  })
})
