/**
 * One abusive client: `node abuser.ts URL TOKEN KIND`. It uses its own address, like another machine, and runs until it is
 * stopped. At SIGTERM it prints the answers that it got.
 */
import { randomBytes } from 'node:crypto'
import { Agent, request, type OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { batch } from './batch.ts'
import { isKind, type Kind } from './kinds.ts'

const ADDRESS = '127.0.0.2'
/** Milliseconds before the next try after its connection was cut. */
const AGAIN = 10

const [url = '', token = '', kind = ''] = process.argv.slice(2)
const { hostname, port } = new URL(url)
const agent = new Agent({ keepAlive: true })
const bearer = { authorization: `Bearer ${token}` }
const json = { ...bearer, 'content-type': 'application/json' }
const answers: Record<string, number> = {}
const note = (what: string) => (answers[what] = (answers[what] ?? 0) + 1)

const MIB = 2 ** 20
const FULL = 10_000
/** As many values as fit, in lists as long as the server reads. */
const junk = Buffer.from(`[${`[${'0.12345,'.repeat(32_765)}0],`.repeat(31)}[${'0.12345,'.repeat(32_000)}0]]`)
const kinds: Readonly<Record<Kind, () => void>> = {
  requests: () => repeat(64, () => ask('GET', '/runs', bearer)),
  pipelined: () => repeat(8, pipeline),
  'bad tokens': () =>
    repeat(64, () =>
      ask('GET', '/runs', { authorization: `Bearer nw_${randomBytes(32).toString('base64url')}` }),
    ),
  'full batches': () =>
    repeat(32, (i, nth) => {
      const full = Buffer.from(JSON.stringify(batch(nth * FULL, FULL)))
      return ask('POST', `/runs/bad-${i}/points`, json, full)
    }),
  'bodies of 8 MiB': () => repeat(16, () => ask('POST', '/runs/bad-0/points', json, junk)),
  'bodies that unpack to 8 MiB': () => {
    const packed = gzipSync(junk)
    repeat(64, () => ask('POST', '/runs/bad-0/points', { ...json, 'content-encoding': 'gzip' }, packed))
  },
  'bodies over the limit': () => {
    const more = Buffer.alloc(9 * MIB, ' ')
    repeat(16, () => ask('POST', '/runs/bad-0/points', { ...json, 'transfer-encoding': 'chunked' }, more))
  },
  'slow bodies': () => repeat(200, slowBody),
  connections: () => repeat(64, knock),
}
if (!isKind(kind)) throw new Error(`Unknown kind of abuse: "${kind}".`)
process.once('SIGTERM', () => {
  console.log(JSON.stringify(answers))
  process.exit()
})
// Ends with the measurement: stdin closes when its parent does.
process.stdin.once('end', () => process.exit()).resume()
kinds[kind]()

/** Runs `work` `times` times in parallel, each in an endless loop. */
function repeat(times: number, work: (i: number, nth: number) => Promise<void>): void {
  const again = async (i: number): Promise<void> => {
    for (let nth = 0; ; nth++) await work(i, nth)
  }
  for (let i = 0; i < times; i++) void again(i)
}

async function ask(method: string, path: string, headers: OutgoingHttpHeaders, body?: Buffer): Promise<void> {
  const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': body.length }
  await new Promise<void>((resolve) => {
    const sent = request(
      `${url}/api/v1${path}`,
      { agent, method, localAddress: ADDRESS, headers: { ...headers, ...length } },
      (reply) => {
        note(String(reply.statusCode))
        reply.resume().once('close', resolve)
      },
    )
    sent.once('error', () => {
      note('cut')
      setTimeout(resolve, AGAIN)
    })
    sent.end(body)
  })
}

/** Sends thousands of requests on one connection without waiting for answers. */
function pipeline(): Promise<void> {
  const many =
    `GET /api/v1/runs HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${bearer.authorization}\r\n\r\n`.repeat(
      500,
    )
  return converse((socket) => {
    const write = () => {
      while (socket.writable && socket.write(many));
    }
    socket.on('drain', write)
    write()
  })
}

/** Sends a body at one byte per second. */
function slowBody(i: number): Promise<void> {
  return converse((socket) => {
    socket.write(
      `POST /api/v1/runs/bad-${i % 32}/points HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: ${bearer.authorization}\r\n` +
        `content-type: application/json\r\ncontent-length: ${8 * MIB}\r\n\r\n{`,
    )
    const drip = setInterval(() => socket.write(' '), 1_000)
    socket.once('close', () => clearInterval(drip))
  })
}

/** Opens a connection for one request and does not wait for the answer. */
function knock(): Promise<void> {
  return converse((socket) => {
    socket.write(`GET /api/v1/runs HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`)
    setImmediate(() => socket.destroy())
  })
}

function converse(say: (socket: ReturnType<typeof connect>) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), localAddress: ADDRESS })
    socket.once('connect', () => say(socket))
    socket.on('data', () => undefined)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      note('connection ended')
      setTimeout(resolve, kind === 'connections' ? 0 : AGAIN)
    })
  })
}
