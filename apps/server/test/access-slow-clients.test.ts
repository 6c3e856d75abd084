import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MAX_LIVE_MESSAGE_BYTES } from '@normwatch/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { isType, liveClient } from './live-client.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

/** Opens a connection and says this; resolves with it and with all it hears until it ends. */
async function say(url: string, text: string): Promise<{ socket: Socket; heard: Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let all = ''
  socket.on('data', (chunk) => (all += String(chunk)))
  socket.on('error', () => undefined)
  const heard = once(socket, 'close').then(() => all)
  socket.write(text)
  return { socket, heard }
}

it.concurrent(
  'cuts off who never ends its headers, and answers the others meanwhile',
  { timeout: 60_000 },
  async () => {
    const { url } = await startServer(await tempFolder())
    const began = performance.now()
    const slow = await Promise.all(
      Array.from({ length: 100 }, () => say(url, 'GET /api/v1/runs HTTP/1.1\r\nhost: localhost\r\nx-slow: ')),
    )
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write('a')), 500)
    onTestFinished(() => clearInterval(drip))
    expect((await fetch(`${url}/api/v1/runs`)).status).toBe(200)
    const heard = await Promise.all(slow.map(({ heard }) => heard))
    // 15 s for the headers, and up to 2 s until the server looks again.
    expect(performance.now() - began).toBeLessThan(30_000)
    for (const answer of heard) {
      expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(answer).toContain('"code":"request_timeout"')
    }
  },
)

it.concurrent(
  'cuts off who never ends a body, and answers the others meanwhile',
  { timeout: 90_000 },
  async () => {
    const { url } = await startServer(await tempFolder())
    const began = performance.now()
    const head = 'PUT /api/v1/runs/r HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
    const slow = await Promise.all(
      Array.from({ length: 50 }, () => say(url, `${head}content-length: 1000\r\n\r\n{`)),
    )
    const drip = setInterval(() => slow.forEach(({ socket }) => socket.writable && socket.write(' ')), 500)
    onTestFinished(() => clearInterval(drip))
    expect((await fetch(`${url}/api/v1/runs`)).status).toBe(200)
    const heard = await Promise.all(slow.map(({ heard }) => heard))
    // 60 s for the whole request, and up to 2 s until the server looks again.
    expect(performance.now() - began).toBeLessThan(75_000)
    for (const answer of heard) expect(answer).toContain('"code":"request_timeout"')
    expect(await (await fetch(`${url}/api/v1/runs`)).json()).toMatchObject({ runs: [] })
  },
)

it.concurrent('refuses a message on the socket that is too long, and goes on with the others', async () => {
  const { url } = await startServer(await tempFolder())
  const [greedy, other] = [await liveClient(url), await liveClient(url)]
  const closed = once(greedy.socket, 'close')
  greedy.socket.on('error', () => undefined)
  greedy.send('x'.repeat(MAX_LIVE_MESSAGE_BYTES + 1))
  expect((await closed)[0]).toBe(1009)
  other.send('x'.repeat(MAX_LIVE_MESSAGE_BYTES))
  expect(await other.until(isType('error'))).toMatchObject({ code: 'frame_invalid' })
})

it.concurrent(
  'cuts a socket that answers no ping, and keeps one that does',
  { timeout: 90_000 },
  async () => {
    const { url } = await startServer(await tempFolder())
    const [silent, idle] = [
      new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { autoPong: false }),
      await liveClient(url),
    ]
    onTestFinished(() => silent.terminate())
    await once(silent, 'open')
    await once(silent, 'close')
    expect(idle.socket.readyState).toBe(WebSocket.OPEN)
  },
)
