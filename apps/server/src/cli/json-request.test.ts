import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { expect, it, onTestFinished, vi } from 'vitest'
import { requestJson } from './json-request.ts'

async function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; host: string }> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined))
    onConnection(socket)
  })
  onTestFinished(() => {
    vi.useRealTimers()
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}
const get = (address: string) => requestJson(address, { method: 'GET', headers: {} })

it('gives up a server that never answers the start of TLS', async () => {
  const { server, host } = await listen(() => undefined)
  const failed = expect(get(`https://${host}/api/v1/runs`)).rejects.toThrow('no connection within 10 s')
  await once(server, 'connection')
  await vi.advanceTimersByTimeAsync(10_000)
  await failed
})

it('waits longer for the answer of a server that is connected, also on a connection that was used before', async () => {
  let asked = Promise.withResolvers<Socket>()
  const { host } = await listen((socket) => socket.on('data', () => asked.resolve(socket)))
  for (const text of ['"first"', '"second"']) {
    asked = Promise.withResolvers<Socket>()
    const reply = get(`http://${host}/api/v1/runs`)
    const socket = await asked.promise
    await vi.advanceTimersByTimeAsync(60_000)
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
    expect(await reply).toMatchObject({ status: 200, text })
  }
})
