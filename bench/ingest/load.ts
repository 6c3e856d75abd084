/** The load generator, a separate process: `node load.ts PORT '{"clients": 8, …}'` prints its measurements as JSON. */
import { KeepAliveClient } from './keep-alive-client.ts'

export interface Load {
  readonly clients: number
  readonly runs: number
  /** Steps per request, each with grad_norm and loss. */
  readonly steps: number
  readonly requests: number
  /** Live sockets, each of which watches one run. */
  readonly readers: number
}

export interface Measured {
  readonly seconds: number
  readonly requestsPerSecond: number
  readonly scalarsPerSecond: number
  readonly milliseconds: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly liveFrames: number
  readonly livePoints: number
}

const [port, load] = [Number(process.argv[2]), JSON.parse(process.argv[3] as string) as Load]
/** Texts of readings, which are reused so that the generator needs little processor time. */
const readings = Array.from({ length: 32 }, (_, i) => readingsText(i))

const clients = await Promise.all(Array.from({ length: load.clients }, () => KeepAliveClient.open(port)))
for (let run = 0; run < load.runs; run++) {
  await clients[0]?.send('PUT', path(run), '{"clip": {"mode": "norm", "max_norm": 1.0}}')
}
const live = { frames: 0, points: 0 }
const sockets = await Promise.all(Array.from({ length: load.readers }, (_, i) => watch(i % load.runs)))

const latencies = new Float64Array(load.requests)
const nextStep = new Float64Array(load.runs)
let sent = 0
const start = performance.now()
await Promise.all(clients.map(sendAll))
const seconds = (performance.now() - start) / 1000
for (const socket of sockets) socket.close()
for (const client of clients) client.close()

latencies.sort()
const at = (share: number) =>
  latencies[Math.min(load.requests - 1, Math.floor(load.requests * share))] as number
const measured: Measured = {
  seconds,
  requestsPerSecond: load.requests / seconds,
  scalarsPerSecond: (load.requests * load.steps * 2) / seconds,
  milliseconds: { p50: at(0.5), p99: at(0.99), max: at(1) },
  liveFrames: live.frames,
  livePoints: live.points,
}
console.log(JSON.stringify(measured))

/** Each client has its own runs, like a training process. */
async function sendAll(client: KeepAliveClient, index: number): Promise<void> {
  for (let turn = 0; sent < load.requests; turn++) {
    const request = sent++
    const run = (index + turn * load.clients) % load.runs
    const first = nextStep[run] as number
    nextStep[run] = first + load.steps
    const body = bodyText(first, readings[request % readings.length] as string)
    const from = performance.now()
    const status = await client.send('POST', `${path(run)}/points`, body)
    latencies[request] = performance.now() - from
    if (status !== 200) throw new Error(`the server answered ${status}`)
  }
}

function path(run: number): string {
  return `/api/v1/runs/bench-${run}`
}

function bodyText(first: number, rest: string): string {
  let steps = String(first)
  for (let i = 1; i < load.steps; i++) steps += `,${first + i}`
  return `{"columns":{"step":[${steps}],${rest}}}`
}

/** Norms around a cap of 1, and a loss, with the digits of float32 readings. */
function readingsText(seed: number): string {
  const norms = Array.from({ length: load.steps }, (_, i) =>
    Math.fround(0.6 + ((i * 7919 + seed * 104729) % 1000) / 1500),
  )
  const losses = norms.map((norm) => Math.fround(2 + norm / 3))
  return `"grad_norm":[${norms.join(',')}],"loss":[${losses.join(',')}]`
}

async function watch(run: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/live`)
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
  socket.addEventListener('message', ({ data }) => {
    live.frames++
    live.points += String(data).startsWith('{"type":"points"') ? 1 : 0
  })
  socket.send(JSON.stringify({ type: 'watch', run: `bench-${run}` }))
  return socket
}
