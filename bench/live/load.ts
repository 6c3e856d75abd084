/**
 * Trainings and live readers in one separate process, so that they share a clock: `node load.ts PORT '{"runs": 50, …}'`
 * prints what the readers saw as JSON. With several ports, separated by commas, each training keeps to one server, and each
 * reader connects to another one than that of the first run that it watches.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { KeepAliveClient } from '../ingest/keep-alive-client.ts'
import { timing, type Timing } from '../storage/timing.ts'
import { LiveReader } from './live-reader.ts'

export interface Load {
  readonly runs: number
  /** Batches per second of all runs together, at random moments, as from independent trainings. */
  readonly batchesPerSecond: number
  readonly seconds: number
  readonly readers: number
  /** Runs that each reader watches. */
  readonly watches: number
}

/** Milliseconds, and counts. */
export interface Seen {
  readonly batches: number
  /** From the POST to its answer, which confirms that the points are durable. */
  readonly answer: Timing
  /** From the POST to the frame, over all batches and all readers. */
  readonly frame: Timing
  /** The same, only for batches after a quiet time of their run, so that the rate limit of frames did not delay them. */
  readonly frameAfterQuiet: Timing
  /** The same, only for the other batches, which the rate limit of frames delays. */
  readonly frameCoalesced: Timing
  readonly pointsFrames: number
  readonly otherFrames: number
  readonly gaps: number
  /** Batches that a reader never received. */
  readonly missing: number
}

const STEPS = 10
/** The minimum milliseconds between two points frames of a run, set by the server. */
const POINTS_EVERY = 56
/** The most requests in flight at the same time. */
const CLIENTS = 32

const ports = (process.argv[2] as string).split(',').map(Number)
const load = JSON.parse(process.argv[3] as string) as Load
/** Idle connections to each server. */
const idle = await Promise.all(
  ports.map((port) =>
    Promise.all(Array.from({ length: Math.ceil(CLIENTS / ports.length) }, () => KeepAliveClient.open(port))),
  ),
)
const names = Array.from({ length: load.runs }, (_, run) => `live-${run}`)
/** Which server the training of a run sends to. */
const serverOf = (run: number) => run % ports.length
for (const [run, name] of names.entries()) {
  const client = await stillOpen(idle[serverOf(run)]?.[0] as KeepAliveClient, run)
  await client.send('PUT', `/api/v1/runs/${name}`, '{"clip": {"mode": "norm", "max_norm": 1.0}}')
  await send(client, name, 0)
}
const readers = await Promise.all(
  Array.from({ length: load.readers }, (_, reader) => {
    const watched = Array.from({ length: load.watches }, (_, i) => names[(reader + i) % load.runs] as string)
    const server = (serverOf(reader % load.runs) + 1) % ports.length
    return LiveReader.open(ports[server] as number, watched)
  }),
)
// The frames that readers get when they connect are not measured.
await sleep(2500)
for (const reader of readers) reader.forget()

/** When each batch was sent, by run and last step. */
const sentAt = new Map<string, Map<number, number>>(names.map((name) => [name, new Map()]))
const answers: number[] = []
const nextStep = new Map(names.map((name) => [name, STEPS]))
const sending: Promise<void>[] = []
const end = performance.now() + load.seconds * 1000
for (
  let at = performance.now();
  at < end;
  at += (-Math.log(1 - Math.random()) * 1000) / load.batchesPerSecond
) {
  await sleep(Math.max(0, at - performance.now()))
  const run = Math.floor(Math.random() * names.length)
  const free = idle[serverOf(run)] as KeepAliveClient[]
  const client = free.pop()
  if (client === undefined) continue
  sending.push(sendNext(await stillOpen(client, run), run).then((client) => void free.push(client)))
}
await Promise.all(sending)
await sleep(1500)
console.log(JSON.stringify(seen()))
for (const reader of readers) reader.close()
for (const client of idle.flat()) client.close()

/** The same connection, or another one to the server of this run where that was quiet for too long. */
async function stillOpen(client: KeepAliveClient, run: number): Promise<KeepAliveClient> {
  return client.isClosed ? KeepAliveClient.open(ports[serverOf(run)] as number) : client
}

async function sendNext(client: KeepAliveClient, run: number): Promise<KeepAliveClient> {
  const name = names[run] as string
  const first = nextStep.get(name) as number
  nextStep.set(name, first + STEPS)
  const begin = performance.now()
  sentAt.get(name)?.set(first + STEPS - 1, begin)
  await send(client, name, first)
  answers.push(performance.now() - begin)
  return client
}

async function send(client: KeepAliveClient, run: string, first: number): Promise<void> {
  const step = Array.from({ length: STEPS }, (_, i) => first + i)
  const grad_norm = step.map((at) => Math.fround(0.6 + ((at * 7919) % 1000) / 1500))
  const loss = grad_norm.map((norm) => Math.fround(2 + norm / 3))
  const body = JSON.stringify({ columns: { step, grad_norm, loss } })
  const status = await client.send('POST', `/api/v1/runs/${run}/points`, body)
  if (status !== 200) throw new Error(`the server answered ${status}`)
}

function seen(): Seen {
  const quiet: number[] = []
  const coalesced: number[] = []
  let missing = 0
  for (const reader of readers) {
    for (const run of reader.runs) {
      const arrivals = reader.arrivals(run)
      let before = -Infinity
      for (const [step, sent] of sentAt.get(run) as Map<number, number>) {
        const next = arrivals.findIndex((frame) => frame.steps.has(step))
        const at = arrivals[next]?.at
        const wasBusy = sent - Math.max(before, arrivals[next - 1]?.at ?? -Infinity) < POINTS_EVERY
        before = sent
        if (at === undefined) missing++
        else (wasBusy ? coalesced : quiet).push(at - sent)
      }
    }
  }
  const total = (count: (reader: LiveReader) => number) =>
    readers.reduce((sum, reader) => sum + count(reader), 0)
  return {
    batches: answers.length,
    answer: timing(answers),
    frame: timing([...quiet, ...coalesced]),
    frameAfterQuiet: timing(quiet),
    frameCoalesced: timing(coalesced),
    pointsFrames: total(({ pointsFrames }) => pointsFrames),
    otherFrames: total(({ otherFrames }) => otherFrames),
    gaps: total(({ gaps }) => gaps),
    missing,
  }
}
