import { once } from 'node:events'
import { MAX_LIVE_MESSAGE_BYTES } from '@normwatch/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { isType, liveClient } from './live-client.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

it('refuses a message on the socket that is too long, and goes on with the others', async () => {
  const { url } = await startServer(await tempFolder())
  const [greedy, other] = [await liveClient(url), await liveClient(url)]
  const closed = once(greedy.socket, 'close')
  greedy.socket.on('error', () => undefined)
  greedy.send('x'.repeat(MAX_LIVE_MESSAGE_BYTES + 1))
  expect((await closed)[0]).toBe(1009)
  other.send('x'.repeat(MAX_LIVE_MESSAGE_BYTES))
  expect(await other.until(isType('error'))).toMatchObject({ code: 'frame_invalid' })
})

it('cuts a socket that answers no ping, and keeps one that does', { timeout: 90_000 }, async () => {
  const { url } = await startServer(await tempFolder())
  const idle = await liveClient(url)
  const silent = new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { autoPong: false })
  onTestFinished(() => silent.terminate())
  await once(silent, 'open')
  await once(silent, 'close')
  expect(idle.socket.readyState).toBe(WebSocket.OPEN)
})
