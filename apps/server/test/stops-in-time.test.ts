import { once } from 'node:events'
import { expect, it } from 'vitest'
import { startReceiver } from './alerts-receiver.ts'
import { isType, liveClient } from './live-client.ts'
import { say } from './raw-client.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

it('stops within ten seconds, whatever is under way, and delivers later', { timeout: 60_000 }, async () => {
  const folder = await tempFolder()
  let answers = false
  const receiver = await startReceiver((response) => {
    if (answers) response.writeHead(204).end()
  })
  const flags = ['--webhook-allow', '127.0.0.0/8', '--group-seconds', '0']
  const server = await startServer(folder, flags)
  const ask = async (method: string, path: string, body: object) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch(`${server.url}/api/v1${path}`, { method, headers, body: JSON.stringify(body) })
    expect(reply.ok).toBe(true)
  }
  await ask('POST', '/channels', { kind: 'webhook', url: receiver.url, min_severity: 'info' })
  await ask('PUT', '/runs/r', { clip: { mode: 'norm', max_norm: 1 } })
  const reader = await liveClient(server.url)
  reader.send({ type: 'watch', run: 'r' })
  await reader.until(isType('run'))
  const points = Array.from({ length: 20 }, (_, step) => ({ step, grad_norm: 'NaN', loss: 'NaN' }))
  await ask('POST', '/runs/r/points', { points })
  await expect.poll(() => receiver.received.length).toBeGreaterThan(0)
  await say(server.url, 'PUT /api/v1/runs/slow HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{')
  await say(server.url, 'GET /api/v1/runs HTTP/1.1\r\nhost: localhost\r\nx-slow: ')

  const [began, closed] = [performance.now(), once(reader.socket, 'close')]
  expect(await server.end('SIGTERM')).toEqual({ code: 0, signal: null })
  expect(performance.now() - began).toBeLessThan(10_000)
  await closed

  const first = receiver.received[0]?.headers['webhook-id']
  answers = true
  receiver.received.length = 0
  await startServer(folder, flags)
  const ids = () => receiver.received.map(({ headers }) => headers['webhook-id'])
  await expect.poll(ids, { timeout: 30_000 }).toContain(first)
})
