import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { say } from './raw-client.ts'
import { startApp } from './start-app.ts'

const admin = `nw_${'a'.repeat(43)}`
const MIB = 1024 * 1024

/** Sends the whole request before it reads anything, as most HTTP clients do; resolves with the answer's text. */
async function sendThenRead(url: string, head: string, body: Buffer): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
  let failure: Error | undefined
  socket.on('error', (error) => (failure = error))
  await once(socket, 'connect')
  socket.pause()
  await new Promise<void>((resolve, reject) => {
    socket.write(`${head}\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`)
    socket.write(body, (error) => (error == null ? resolve() : reject(error)))
  })
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.resume()
  await once(socket, 'end')
  socket.destroy()
  if (failure !== undefined) throw failure
  return text
}

describe('an answer that comes before the end of the body reaches a client that reads only after it has sent all', () => {
  it.each([
    ['a media type that is not supported', 'POST /api/v1/runs HTTP/1.1', 'text/plain', 415, 6],
    ['a body that is too large', 'POST /api/v1/runs HTTP/1.1', 'application/json', 413, 9],
    ['a GET with a body', 'GET /api/v1/runs HTTP/1.1', 'application/json', 200, 6],
  ])('%s', async (_, line, type, status, mebibytes) => {
    const { listen } = await startApp()
    const head = `${line}\r\nConnection: close\r\nContent-Type: ${type}`
    const text = await sendThenRead(await listen(), head, Buffer.alloc(mebibytes * MIB, ' '))
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(text).toContain(status === 200 ? '"runs"' : '"error"')
  })

  it.each([
    ['a request without a token', 'POST /api/v1/runs HTTP/1.1', 401],
    ['nothing at the address', 'POST /api/v1/nothing HTTP/1.1', 404],
  ])('%s', async (_, line, status) => {
    const { listen } = await startApp({ access: { operatorToken: admin } })
    const head = `${line}\r\nConnection: close\r\nContent-Type: application/json`
    const text = await sendThenRead(await listen(), head, Buffer.alloc(6 * MIB, ' '))
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  it('and the bodies of the connections after it arrive whole', async () => {
    const { listen } = await startApp()
    const url = await listen()
    const head = 'POST /api/v1/runs HTTP/1.1\r\nConnection: close\r\nContent-Type: '
    await Promise.all(
      Array.from({ length: 8 }, () => sendThenRead(url, `${head}text/plain`, Buffer.alloc(2 * MIB, ' '))),
    )
    const body = Buffer.from(JSON.stringify({ id: 'a', notes: 'n'.repeat(10_000) }))
    for (let i = 0; i < 16; i++) {
      const text = await sendThenRead(url, `${head}application/json`, body)
      expect(text).toMatch(new RegExp(`^HTTP/1.1 ${i === 0 ? 201 : 200} `))
    }
  })

  it('but no client is read from for ever', async () => {
    const { listen } = await startApp()
    const { socket } = await say(
      await listen(),
      `POST /api/v1/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${2 ** 40}\r\n\r\n`,
    )
    const closed = once(socket, 'close')
    socket.on('error', () => {}) // the connection is cut while it is written to
    const endless = () => {
      while (!socket.destroyed && socket.write(Buffer.alloc(MIB)));
    }
    socket.on('drain', endless)
    endless()
    await closed
  })
})

it('ignores an offer to upgrade to HTTP/2, as Java clients and curl --http2 make with every request', async () => {
  const { listen } = await startApp()
  const offer = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
  const body = '{"name": "first"}'
  const url = await listen()
  const { socket, heard: all } = await say(
    url,
    `PUT /api/v1/runs/r HTTP/1.1\r\nHost: localhost\r\n${offer}Content-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  await once(socket, 'data')
  socket.write('GET /api/v1/runs/r HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const heard = await all
  expect(heard).toMatch(/^HTTP\/1.1 201 /)
  expect(heard).toContain('HTTP/1.1 200 ')
})

describe('refuses in the one error shape', () => {
  it.each([
    ['a request without Host', 'GET /api/v1/runs HTTP/1.1', 400, 'request_invalid'],
    [
      'a request with two Hosts',
      'GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nHost: other',
      400,
      'request_invalid',
    ],
    [
      'an unknown Expect',
      'GET /api/v1/runs HTTP/1.1\r\nHost: localhost\r\nExpect: cake',
      417,
      'expectation_failed',
    ],
    ['/live without an upgrade', 'GET /api/v1/live HTTP/1.1\r\nHost: localhost', 426, 'upgrade_required'],
    [
      '/live with another upgrade',
      'GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c',
      426,
      'upgrade_required',
    ],
  ])('%s', async (_, head, status, code) => {
    const { listen } = await startApp()
    const { heard } = await say(await listen(), `${head}\r\nConnection: close\r\n\r\n`)
    const text = await heard
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject({ error: { code } })
  })

  it('and repeats a long unknown name in short', async () => {
    const { call } = await startApp()
    const { status, text } = await call('PUT', '/runs/r', { ['x'.repeat(MIB)]: 1 })
    expect(status).toBe(400)
    expect(text.length).toBeLessThan(2_000)
  })
})
