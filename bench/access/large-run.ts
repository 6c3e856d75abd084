/**
 * `npm run bench:large -- [points]`: requests that read the whole record of a run of many points (grad_norm and loss;
 * default 4,000,000): how long each takes, and the longest turn of the main thread meanwhile, whose goal is 50 ms.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { MetricColumn } from '@normwatch/protocol'
import { openSqliteStore } from '../../apps/server/src/storage/sqlite/open.ts'
import { judgement } from '../storage/ingest.ts'
import { stepsOf } from '../storage/run-of-steps.ts'
import { machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { Beats } from './beats.ts'

const POINTS = Number(process.argv[2] ?? 4_000_000)
/** A folder that keeps the run, so that another measurement need not make it again. */
const KEPT = process.argv[3]
const BATCH = 50_000
/** Processor time, in so many milliseconds, of a server that does nothing but stay alive. */
const IDLE_SECONDS = 0.2
const IDLE_MS = 6_000

const folder = KEPT ?? mkdtempSync(join(tmpdir(), 'normwatch-large-'))
const data = join(folder, 'data')

/** Stores the run without judging it. */
async function makeRun(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const store = await openSqliteStore({ folder: data })
  let { version } = (await store.runs.put('large', { clip: { mode: 'norm', max_norm: 1 } }, Date.now())).run
  for (let from = 0; from < POINTS; from += BATCH) {
    const { step, time, metrics } = stepsOf(from, Math.min(BATCH, POINTS - from))
    const logged = ['grad_norm', 'loss'].map((name) => [name, metrics.get(name) as MetricColumn] as const)
    const columns = { step, time, metrics: new Map(logged) }
    const judged = { judgement, changes: [], version: version++, state: 'null' }
    await store.points.append({ run: 'large', columns, arrivedAt: Date.now(), ...judged })
  }
  // nothing has judged these points, so the record is marked as one to be judged again
  await store.runs.patch('large', { optimizer: 'SGD' }, Date.now())
  await store.close()
}

if (!existsSync(data)) await makeRun()
const beats = new Beats(folder)
const server = await ServerProcess.start(data, {
  environment: { ...(process.env as Record<string, string>), ...beats.environment },
})
const figures: object[] = []

async function measure(what: string, method: string, path: string, body?: object): Promise<void> {
  const [from, began, ran] = [Date.now(), performance.now(), server.cpuSeconds]
  const reply = await fetch(`${server.url}/api/v1/${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${what}: ${reply.status} ${text.slice(0, 300)}`)
  const seconds = (performance.now() - began) / 1000
  await pause(100)
  const { turn, beat } = beats.longestSince(from)
  const processor = server.cpuSeconds - ran
  figures.push({ what, seconds, processor, turn, beat, megabytes: server.megabytes })
  console.log(figures.at(-1))
}

/** A run that was made just now is judged in the background first, and its stretches are stored. */
async function untilIdle(): Promise<void> {
  for (let ran = -1; server.cpuSeconds - ran > IDLE_SECONDS; await pause(IDLE_MS)) ran = server.cpuSeconds
}

try {
  await untilIdle()
  await measure('what-if of all norms', 'GET', 'runs/large/caps?cap=0.5&cap=1&cap=2')
  await measure('the same for all steps but the first', 'GET', 'runs/large/caps?from=1&cap=0.5&cap=1&cap=2')
  await measure('the same with 64 caps', 'GET', 'runs/large/caps?from=1')
  await measure('comparing the run', 'GET', 'compare?run=large')
  await measure('comparing it again', 'GET', 'compare?run=large')
  await measure('the first judgement, with a new cap', 'PATCH', 'runs/large', {
    clip: { mode: 'norm', max_norm: 1.5 },
  })
  await measure('another cap', 'PATCH', 'runs/large', { clip: { mode: 'norm', max_norm: 0.9 } })
} finally {
  await server.stop()
  if (KEPT === undefined) rmSync(folder, { recursive: true })
}
await writeResults(import.meta.dirname, { ...machine(), points: POINTS, figures }, 'large-run.json')
