import { connect } from 'node:net'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Limits } from '../src/access/limits/limits.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp, type Answer } from './start-app.ts'

const WIDE: Limits = {
  maxRequests: 1_000,
  maxPoints: 1_000_000,
  maxBytes: 1_000_000_000,
  maxRuns: 1_000,
  maxSeries: 1_000,
  maxConnections: 100,
}
const limited = async (limits: Partial<Limits>, now = Date.now, trustProxy: string | false = false) => {
  const service = await startApp({ now, trustProxy, access: { limits: { ...WIDE, ...limits } } })
  const { secret } = await makeToken(service, { scope: 'admin' })
  const send = (method: 'GET' | 'PUT' | 'PATCH' | 'POST', path: string, payload?: object, token = secret) =>
    service.inject({
      method,
      url: `/api/v1${path}`,
      headers: bearer(token),
      ...(payload === undefined ? {} : { payload }),
    })
  return { service, secret, send }
}
const points = (count: number, metric = 'loss', from = 0) => ({
  columns: { step: Array.from({ length: count }, (_, i) => from + i), [metric]: new Array(count).fill(1) },
})

it('lets a token ask so often a second and no oftener, and leaves the others alone', async () => {
  const { service, send } = await limited({ maxRequests: 5 })
  const other = await makeToken(service, { scope: 'read' })
  const began = performance.now()
  const answers = Array.from({ length: 6 }, () => send('GET', '/runs'))
  // The others do not wait for what is spread over the second.
  const first = await Promise.race([
    send('GET', '/runs', undefined, other.secret),
    Promise.all(answers).then(() => undefined),
  ])
  expect(first?.status).toBe(200)
  const refused = (await Promise.all(answers)).filter(({ status }) => status !== 200)
  expect(refused).toMatchObject([
    { status: 429, body: { error: { code: 'too_many_requests' } }, headers: { 'retry-after': '1' } },
  ])
  // The refusal waited as long as it asked to wait: whoever asks again at once gains nothing by it.
  expect(performance.now() - began).toBeGreaterThan(900)
  expect((await send('GET', '/runs')).status).toBe(200)
})

it('lets an address ask so often a second, whatever it shows', async () => {
  const { service } = await limited({ maxRequests: 2 })
  const asked: Promise<Answer>[] = []
  for (let i = 0; i < 11; i++) {
    asked.push(service.inject({ url: '/api/v1/runs', headers: bearer('nw_guess') }))
    // As from a socket of its own.
    await turn()
  }
  const codes = (await Promise.all(asked)).map(({ body }) => body.error.code as string)
  expect(codes.toSorted()).toEqual([...new Array<string>(10).fill('token_invalid'), 'too_many_requests'])
})

it('answers whoever goes on guessing tokens a second later, and who has one at once', async () => {
  const { service, send } = await limited({})
  const guess = () => service.inject({ url: '/api/v1/runs', headers: bearer('nw_guess') })
  let isAnswered = false
  // within one second, however busy the machine is
  const guesses = Array.from({ length: 60 }, guess)
  const slow = Promise.all(guesses).then(() => (isAnswered = true))
  const began = performance.now()
  expect((await send('GET', '/runs')).status).toBe(200)
  expect(isAnswered).toBe(false)
  await slow
  expect(performance.now() - began).toBeGreaterThan(900)
})

it('limits what is asked at addresses where nothing is, too', async () => {
  const { service } = await limited({ maxRequests: 2 })
  const asked: Promise<Answer>[] = []
  for (let i = 0; i < 11; i++) {
    asked.push(service.inject({ url: '/api/v1/nothing' }))
    await turn()
  }
  const codes = (await Promise.all(asked)).map(({ body }) => body.error.code as string)
  expect(codes.toSorted()).toEqual([...new Array<string>(10).fill('route_not_found'), 'too_many_requests'])
})

it.each([
  { method: 'POST', path: '/session', packed: false, code: 'body_too_large' },
  { method: 'POST', path: '/session', packed: true, code: 'body_too_large' },
  { method: 'DELETE', path: '/session', packed: false, code: 'body_too_large' },
  { method: 'POST', path: '/nothing', packed: false, code: 'route_not_found' },
  { method: 'OPTIONS', path: '/nothing', packed: false, code: 'route_not_found' },
  { method: 'PUT', path: '/runs/r', packed: false, code: 'token_missing' },
] as const)(
  'makes nothing of a large body of nobody: $method $path, packed: $packed',
  async ({ method, path, packed, code }) => {
    const { service } = await limited({})
    // If it were parsed, the refusal would say that it is not JSON.
    const junk = `"${'a'.repeat(1_000_000)}`
    const { body } = await service.inject({
      method,
      url: `/api/v1${path}`,
      headers: { 'content-type': 'application/json', ...(packed ? { 'content-encoding': 'gzip' } : {}) },
      payload: packed ? gzipSync(junk) : junk,
    })
    expect(body.error.code).toBe(code)
  },
)

it('lets a run send so many points a second, and says when the rest will fit', async () => {
  const { send } = await limited({ maxPoints: 10 })
  await send('PUT', '/runs/fast', {})
  await send('PUT', '/runs/slow', {})
  // Ten seconds' worth at once, and as much as it likes with the last of it.
  expect((await send('POST', '/runs/fast/points', points(150))).status).toBe(200)
  const refused = await send('POST', '/runs/fast/points', points(50, 'loss', 150))
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'points_too_fast' } } })
  expect(Number(refused.headers['retry-after'])).toBe(5)
  expect((await send('POST', '/runs/slow/points', points(50))).status).toBe(200)
  expect((await send('GET', '/runs/fast')).body.points).toBe(150)
})

it('lets a token send so many bytes a second, as they are unpacked', async () => {
  const { service, secret, send } = await limited({ maxBytes: 1_000 })
  await send('PUT', '/runs/r', {})
  const packed = gzipSync(JSON.stringify(points(5_000)))
  const post = (token: string) =>
    service.inject({
      method: 'POST',
      url: '/api/v1/runs/r/points',
      headers: { ...bearer(token), 'content-encoding': 'gzip', 'content-type': 'application/json' },
      payload: packed,
    })
  expect((await post(secret)).status).toBe(200)
  const refused = await send('PUT', '/runs/r', {})
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'bytes_too_fast' } } })
  // About 34 kB were unpacked and 10 may be sent at once; the refusal was held back for five seconds.
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(10)
  expect((await send('GET', '/runs/r')).status).toBe(200)
  const other = await makeToken(service, { scope: 'write' })
  expect((await post(other.secret)).status).toBe(200)
}, 15_000)

it('unpacks one body of a token after the other, and none when it has sent what it may', async () => {
  const { service, secret, send } = await limited({ maxBytes: 1_000 })
  await send('PUT', '/runs/r', {})
  const payload = gzipSync(JSON.stringify(points(5)) + ' '.repeat(50_000))
  const headers = { ...bearer(secret), 'content-encoding': 'gzip', 'content-type': 'application/json' }
  const replies = await Promise.all(
    Array.from({ length: 20 }, () =>
      service.inject({ method: 'POST', url: '/api/v1/runs/r/points', headers, payload }),
    ),
  )
  // All are small as they come, and the first alone, unpacked, is more than ten seconds' worth.
  expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
  for (const { status, headers, body } of replies.filter(({ status }) => status !== 200)) {
    expect(status).toBe(429)
    expect(body.error.code).toBe('bytes_too_fast')
    expect(Number(headers['retry-after'])).toBeGreaterThan(10)
  }
}, 15_000)

it('limits nothing, packed or not, where no token was made', async () => {
  const service = await startApp({ access: { limits: { ...WIDE, maxBytes: 1_000 } } })
  await service.inject({ method: 'PUT', url: '/api/v1/runs/r', payload: {} })
  const payload = gzipSync(JSON.stringify(points(5)) + ' '.repeat(50_000))
  const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
  for (let i = 0; i < 3; i++) {
    const { status } = await service.inject({
      method: 'POST',
      url: '/api/v1/runs/r/points',
      headers,
      payload,
    })
    expect(status).toBe(200)
  }
})

it('spaces the large bodies of one token out, so that others get in between', async () => {
  const { service, send } = await limited({})
  await send('PUT', '/runs/r', {})
  const other = await makeToken(service, { scope: 'read' })
  const began = performance.now()
  const long = points(10_000)
  const batches = Array.from({ length: 30 }, () => send('POST', '/runs/r/points', long))
  const answers: number[] = []
  for (const batch of batches) void batch.then(({ status }) => answers.push(status))
  const waited = () => performance.now() - began
  expect((await send('GET', '/runs/r', undefined, other.secret)).status).toBe(200)
  expect(answers.length).toBeLessThan(10)
  await Promise.all(batches)
  expect(answers).toEqual(new Array(30).fill(200))
  // 30 bodies of about 69 kB, at eight megabytes a second, after a quarter of a megabyte at once.
  expect(waited()).toBeGreaterThan(200)
})

it('stores a batch of many readings whole, though others get in between', async () => {
  const { service, send } = await limited({})
  await send('PUT', '/runs/r', {})
  const body = points(10_000)
  expect((await send('POST', '/runs/r/points', body)).body).toEqual({ accepted: 10_000, last_step: 9_999 })
  const refused = await send('POST', '/runs/r/points', { columns: { step: [10_000, 1e99], loss: [1, 1] } })
  expect(refused.status).toBe(400)
  expect(await service.services.store.runs.get('r')).toMatchObject({ points: 10_000, last_step: 9_999 })
})

it('lets a project have so many runs, by creation or by moving', async () => {
  const { send } = await limited({ maxRuns: 2 })
  for (const run of ['a', 'b']) expect((await send('PUT', `/runs/${run}`, { project: 'p' })).status).toBe(201)
  const full = { status: 409, body: { error: { code: 'too_many_runs' } } }
  expect(await send('PUT', '/runs/c', { project: 'p' })).toMatchObject(full)
  expect(await send('POST', '/runs', { project: 'p' })).toMatchObject(full)
  expect((await send('PUT', '/runs/c', { project: 'q' })).status).toBe(201)
  expect(await send('PATCH', '/runs/c', { project: 'p' })).toMatchObject(full)
  expect((await send('PUT', '/runs/a', { name: 'still changes' })).status).toBe(200)
})

it('lets a project have so many metrics and layers, and still takes the known ones', async () => {
  // A project's usage is read again after a while.
  let time = Date.now()
  const { service, send } = await limited({ maxSeries: 2 }, () => time)
  await send('PUT', '/runs/a', { project: 'p' })
  await send('PUT', '/runs/b', { project: 'q' })
  const row = { step: 0, loss: 1, layers: { x: 1 } }
  expect((await send('POST', '/runs/a/points', { points: [row] })).status).toBe(200)
  time += 60_000
  const full = { status: 409, body: { error: { code: 'too_many_series' } } }
  for (const more of [{ lr: 1 }, { layers: { y: 1 } }]) {
    expect(await send('POST', '/runs/a/points', { points: [{ step: 1, ...more }] })).toMatchObject(full)
  }
  expect(await send('POST', '/runs/a/points', points(1, 'lr'))).toMatchObject(full)
  expect((await send('POST', '/runs/a/points', { points: [{ ...row, step: 2 }] })).status).toBe(200)
  expect((await send('POST', '/runs/b/points', points(1, 'lr'))).status).toBe(200)
  expect(await service.services.store.points.metrics('a')).toEqual(['layers/x', 'loss'])
})

it('keeps an address from opening ever more connections', async () => {
  const { service, secret } = await limited({ maxConnections: 3 })
  const url = new URL(await service.listen())
  const idle = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const socket = connect(Number(url.port), url.hostname)
      onTestFinished(() => void socket.destroy())
      await once(socket, 'connect')
      return socket
    }),
  )
  const ask = () =>
    fetch(`${url.origin}/api/v1/runs`, { headers: { ...bearer(secret), connection: 'close' } })
  const refused = await ask()
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(await refused.json()).toMatchObject({ error: { code: 'too_many_connections' } })
  idle[0]?.destroy()
  await expect.poll(async () => (await ask()).status).toBe(200)
})

it('cuts what an address opens beyond twice its connections, and lets others in', async () => {
  const { service, secret } = await limited({ maxConnections: 2 })
  const url = new URL(await service.listen())
  const from = async (localAddress: string) => {
    const socket = connect({ host: url.hostname, port: Number(url.port), localAddress })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  const ask = () =>
    fetch(`${url.origin}/api/v1/runs`, { headers: { ...bearer(secret), connection: 'close' } })
  expect((await ask()).status).toBe(200)
  const many = await Promise.all(Array.from({ length: 5 }, () => from('127.0.0.2')))
  await Promise.all(many.slice(2).map((socket) => once(socket, 'close')))
  expect((await ask()).status).toBe(200)
})

it('cuts an address off that sends without waiting for answers', async () => {
  let time = Date.now()
  const { service, secret } = await limited({}, () => time)
  const url = new URL(await service.listen())
  const from = () => connect({ host: url.hostname, port: Number(url.port), localAddress: '127.0.0.3' })
  const socket = from()
  const many = `GET /api/v1/runs HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${secret}\r\n\r\n`
  socket.on('error', () => undefined).write(many.repeat(17))
  await once(socket, 'close')
  const again = from()
  again.on('error', () => undefined)
  await once(again, 'connect')
  // it would only connect again at once
  expect((await fetch(`${url.origin}/healthz`)).status).toBe(200)
  expect(again.closed).toBe(false)
  await once(again, 'close')
  time += 30_000
  const later = from()
  onTestFinished(() => void later.destroy())
  later.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
  expect(String((await once(later, 'data'))[0])).toContain('200 OK')
})

it('cuts of a trusted proxy only the connection that does not wait for answers', async () => {
  const { service, secret } = await limited({}, Date.now, 'loopback')
  const url = new URL(await service.listen())
  const from = () => {
    const socket = connect({ host: url.hostname, port: Number(url.port), localAddress: '127.0.0.4' })
    onTestFinished(() => void socket.destroy())
    return socket.on('error', () => undefined)
  }
  const ask =
    `GET /api/v1/runs HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: 10.0.0.1\r\n` +
    `authorization: Bearer ${secret}\r\n\r\n`
  const others = from()
  others.write(ask)
  expect(String((await once(others, 'data'))[0])).toContain('200 OK')
  const greedy = from()
  greedy.write(ask.repeat(17))
  await once(greedy, 'close')
  others.write(ask)
  expect(String((await once(others, 'data'))[0])).toContain('200 OK')
})

it('keeps a token from opening ever more sockets', async () => {
  const { service, secret } = await limited({ maxConnections: 2 })
  const url = (await service.listen()).replace('http', 'ws')
  const knock = async () => {
    const socket = new WebSocket(`${url}/api/v1/live`, { headers: bearer(secret) })
    onTestFinished(() => socket.terminate())
    return new Promise<number>((resolve, reject) => {
      socket.once('open', () => resolve(101))
      socket.once('unexpected-response', (_request, { statusCode = 0 }) => resolve(statusCode))
      socket.once('error', reject)
    })
  }
  expect([await knock(), await knock(), await knock()]).toEqual([101, 101, 429])
})

it('does not limit the owner of an open server', async () => {
  const { call } = await startApp({
    access: { limits: { ...WIDE, maxRequests: 1, maxRuns: 1, maxPoints: 1 } },
  })
  for (const run of ['a', 'b', 'c']) expect((await call('PUT', `/runs/${run}`, {})).status).toBe(201)
  expect((await call('POST', '/runs/a/points', points(1_000))).status).toBe(200)
  expect((await call('POST', '/runs/a/points', points(1_000))).status).toBe(200)
})
