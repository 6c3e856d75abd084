import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { MAX_BODY_BYTES } from '@normwatch/protocol'
import { othersTurns } from '../in-slices.ts'

/** How much of a body is still read after the answer, and for how many milliseconds. */
const MAX_READ_BYTES = 2 * MAX_BODY_BYTES
const MAX_READ_MS = 5_000
const CHECK_EVERY_MS = 100
/** The property of Node's HTTP parser that it calls with a body's bytes: `HTTPParser.kOnBody`. */
const ON_BODY = 3

/** Node's own, which connections use one after the other. */
interface Parser {
  readonly incoming: IncomingMessage | null
  [ON_BODY]: unknown
}

/**
 * When the server closes a connection after its answer while the client still sends the body, the client's next write
 * fails, and most clients then never read the answer. So the server ends only its own side, reads and discards the
 * rest of the body, within bounds, and closes when the body has ended.
 */
export function halfCloseAfterAnswers(server: Server): void {
  const prepared = new WeakSet<Socket>()
  server.prependListener('request', (request: IncomingMessage) => {
    const { socket } = request
    if (prepared.has(socket)) return
    prepared.add(socket)
    // Node calls this when the last answer of a connection was written.
    const close = socket.destroySoon.bind(socket)
    socket.destroySoon = () => {
      const { parser } = socket as Socket & { parser?: Parser | null }
      const incoming = parser?.incoming
      if (parser == null || incoming == null || incoming.complete || socket.destroyed) close()
      else readOn(socket, parser, incoming, close)
    }
  })
}

function readOn(socket: Socket, parser: Parser, incoming: IncomingMessage, close: () => void): void {
  const until = performance.now() + MAX_READ_MS
  const mostRead = socket.bytesRead + MAX_READ_BYTES
  const timer = setInterval(() => {
    if (socket.bytesRead > mostRead || performance.now() > until) socket.destroy()
  }, CHECK_EVERY_MS)
  // Without it the parser passes over the bytes; a buffer for each 64 KiB would make V8 collect the whole heap again and again.
  const onBody = parser[ON_BODY]
  parser[ON_BODY] = undefined
  socket.once('close', () => {
    parser[ON_BODY] = onBody
    clearInterval(timer)
  })
  incoming.once('end', close)
  socket.end()
  incoming.resume()
  void readInTurns(socket)
}

/** Ends when the last reading that was asked for has. */
let reading = Promise.resolve()

/** Node reads up to 2 MiB of a connection in one turn: others are served before the next one, and one connection is read at a time. */
async function readInTurns(socket: Socket): Promise<void> {
  const read = async (): Promise<void> => {
    await othersTurns()
    socket.resume()
    await nextTurn()
    socket.pause()
  }
  socket.pause()
  while (!socket.destroyed) await (reading = reading.then(read))
}
