import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'

export interface Network {
  readonly port: number
  /** How many connections clients have made. */
  readonly connections: number
  /** Milliseconds that what goes in either direction needs. */
  delayMs: number
  /** What each connection carries in each direction; without a bound at first. */
  bytesPerSecond: number
  /** Nothing arrives any more, nobody is told. With `forGood`, what was sent on the connections of now is lost for ever. */
  cut(forGood: boolean): void
  /** What was not lost arrives. */
  mend(): void
}

/** A network between a client and a TCP server on this machine, which can be slow and be cut. */
export async function startNetwork(to: number): Promise<Network> {
  const sockets = new Set<Socket>()
  let flows = Promise.withResolvers<void>()
  flows.resolve()
  let generation = 0
  let connections = 0
  const carry = (from: Socket, into: Socket, born: number) => {
    let before = Promise.resolve()
    let free = 0
    const arrive = (what: () => void, bytes = 0) => {
      free = Math.max(free, performance.now()) + (bytes / network.bytesPerSecond) * 1000
      const due = free + network.delayMs
      before = before.then(async () => {
        await flows.promise
        const early = due - performance.now()
        if (early > 0) await pause(early)
        if (born === generation) what()
      })
    }
    from.on('data', (bytes: Buffer) => arrive(() => into.write(bytes), bytes.length))
    from.once('close', () => arrive(() => into.destroy()))
  }
  const server = createServer((near) => {
    const born = generation
    connections++
    const far = connect(to, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => sockets.delete(socket))
    }
    carry(near, far, born)
    carry(far, near, born)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    flows.resolve()
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const network: Network = {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    delayMs: 0,
    bytesPerSecond: Infinity,
    cut(forGood) {
      flows = Promise.withResolvers()
      if (forGood) generation++
    },
    mend: () => flows.resolve(),
  }
  return network
}
