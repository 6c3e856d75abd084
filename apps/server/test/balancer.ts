import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { request } from 'node:http'
import { onTestFinished } from 'vitest'

/** A plain balancer: each connection goes to the next server that takes it. */
export interface Balancer {
  /** `http://127.0.0.1:…` */
  readonly url: string
  /** The addresses of the servers, to be changed at any time. */
  readonly servers: (string | undefined)[]
}

export async function startBalancer(count: number): Promise<Balancer> {
  const servers = new Array<string | undefined>(count).fill(undefined)
  let turn = 0
  const open = new Set<Socket>()
  const pass = (client: Socket, tries: number): void => {
    const url = servers[turn++ % count]
    if (tries === 0) return void client.destroy()
    if (url === undefined) return pass(client, tries - 1)
    const server = connect(Number(new URL(url).port), '127.0.0.1')
    let isConnected = false
    server.once('connect', () => {
      isConnected = true
      client.pipe(server).pipe(client)
      client.once('close', () => server.destroy())
    })
    server.on('error', () => undefined)
    server.once('close', () => (isConnected ? client.destroy() : pass(client, tries - 1)))
  }
  const balancer = createServer((client) => {
    open.add(client)
    client.on('error', () => undefined)
    client.once('close', () => open.delete(client))
    pass(client, count)
  })
  balancer.listen(0, '127.0.0.1')
  await once(balancer, 'listening')
  onTestFinished(() => {
    for (const client of open) client.destroy()
    balancer.close()
  })
  return { url: `http://127.0.0.1:${(balancer.address() as AddressInfo).port}`, servers }
}

export interface Reply {
  readonly status: number
  readonly text: string
}

/** One request on a connection of its own, so that the next goes to another server. Rejects without an answer. */
export function ask(url: string, method: string, path: string, body?: object): Promise<Reply> {
  const text = body && JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/api/v1${path}`, {
      method,
      agent: false,
      timeout: 60_000,
      headers: text === undefined ? {} : { 'content-type': 'application/json' },
    })
    sent.on('error', reject)
    sent.on('timeout', () => sent.destroy(new Error(`${method} ${path} took a minute`)))
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      )
    })
    sent.end(text)
  })
}
