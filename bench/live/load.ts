/**
 * Training processes and live readers, in a process of their own with one clock: `node load.ts PORT '{"runs": 50, …}'`
 * prints what the readers saw as JSON.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { KeepAliveClient } from '../ingest/keep-alive-client.ts'
import { timing, type Timing } from '../storage/timing.ts'
import { LiveReader } from './live-reader.ts'

export interface Load {
  readonly runs: number
  /** Batches a second, of all runs together, at random moments as independent trainings have them. */
  readonly batchesPerSecond: number
  readonly seconds: number
  readonly readers: number
  /** Runs that each reader watches. */
  readonly watches: number
}

/** Milliseconds, and counts. */
export interface Seen {
  readonly batches: number
  /** From POST to its answer, which says that the points are durable. */
  readonly answer: Timing
  /** From POST to the frame, over all batches and all their readers. */
  readonly frame: Timing
  /** Those of a run that had been quiet, so that nothing was to be waited for. */
  readonly frameAfterQuiet: Timing
  /** Those sent sooner after the run's last batch or frame than frames may follow each other. */
  readonly frameCoalesced: Timing
  readonly pointsFrames: number
  readonly otherFrames: number
  readonly gaps: number
  /** Batches that a reader was never told of. */
  readonly missing: number
}

const STEPS = 10
/** Milliseconds that the server lets pass between two points frames of a run. */
const POINTS_EVERY = 56
/** Requests that may be on their way at the same time. */
const CLIENTS = 32

const [port, load] = [Number(process.argv[2]), JSON.parse(process.argv[3] as string) as Load]
const clients = await Promise.all(Array.from({ length: CLIENTS }, () => KeepAliveClient.open(port)))
const idle = [...clients]
const names = Array.from({ length: load.runs }, (_, run) => `live-${run}`)
for (const name of names) {
  const body = '{"clip": {"mode": "norm", "max_norm": 1.0}}'
  await clients[0]?.send('PUT', `/api/v1/runs/${name}`, body)
  await send(clients[0] as KeepAliveClient, name, 0)
}
const readers = await Promise.all(
  Array.from({ length: load.readers }, (_, reader) => {
    const watched = Array.from({ length: load.watches }, (_, i) => names[(reader + i) % load.runs] as string)
    return LiveReader.open(port, watched)
  }),
)
// What the readers are told when they come is not what is measured.
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
  const client = idle.pop()
  if (client === undefined) continue
  sending.push(sendNext(client, names[Math.floor(Math.random() * names.length)] as string))
}
await Promise.all(sending)
await sleep(1500)
console.log(JSON.stringify(seen()))
for (const reader of readers) reader.close()
for (const client of clients) client.close()

async function sendNext(client: KeepAliveClient, run: string): Promise<void> {
  const first = nextStep.get(run) as number
  nextStep.set(run, first + STEPS)
  const begin = performance.now()
  sentAt.get(run)?.set(first + STEPS - 1, begin)
  await send(client, run, first)
  answers.push(performance.now() - begin)
  idle.push(client)
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
