/**
 * `npm run bench:turns`: how long the heaviest valid requests keep everybody else waiting, measured by a beat inside the
 * server (`beat.ts`) and by an honest client outside. The goal is 50 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { Beats } from './beats.ts'

const ROUNDS = 3
const only = process.argv[2]
const folder = mkdtempSync(join(tmpdir(), 'normwatch-turns-'))
const beats = new Beats(folder)
const server = await ServerProcess.start(join(folder, 'data'), {
  environment: { ...(process.env as Record<string, string>), ...beats.environment },
})

/** Columns of so many steps and metrics. */
function columns(points: number, metrics: readonly string[], from = 0): string {
  const step = Array.from({ length: points }, (_, i) => from + i)
  const readings = metrics.map((name, m) => [name, step.map((i) => Math.fround(1 + Math.sin(i * 0.7 + m)))])
  return JSON.stringify({ columns: { step, ...Object.fromEntries(readings) } })
}
const names = (count: number, prefix: string) => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

async function send(method: string, path: string, body?: string): Promise<void> {
  const reply = await fetch(`${server.url}/api/v1/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body }),
  })
  const text = await reply.text()
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text.slice(0, 300)}`)
}

/** The longest wait of a client that asks for nothing much, again and again, while `work` is done. */
async function honestly(work: () => Promise<void>): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let [isOver, longest] = [false, 0]
  const ask = () =>
    new Promise<void>((resolve, reject) => {
      const began = performance.now()
      request(`${server.url}/healthz`, { agent }, (response) => {
        response.resume().once('end', () => {
          longest = Math.max(longest, performance.now() - began)
          resolve()
        })
      })
        .once('error', reject)
        .end()
    })
  const asking = (async () => {
    while (!isOver) {
      await ask()
      await pause(2)
    }
  })()
  try {
    await work()
  } finally {
    isOver = true
    await asking
    agent.destroy()
  }
  return longest
}

interface Figure {
  readonly what: string
  /** Milliseconds, the median of the rounds: of the longest turn, by the main thread's own time and by the clock, and of the client. */
  readonly turn: number
  readonly beat: number
  readonly client: number
}
const figures: Figure[] = []

const middle = (values: readonly number[]): number =>
  Math.round(10 * (values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN)) / 10

async function measure(what: string, work: (round: number) => Promise<void>): Promise<void> {
  if (only !== undefined && !what.includes(only)) return
  const rounds: { turn: number; beat: number; client: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await pause(300)
    const from = Date.now()
    const client = await honestly(() => work(round))
    await pause(100)
    rounds.push({ client, ...beats.longestSince(from) })
  }
  const of = (field: keyof (typeof rounds)[number]) => middle(rounds.map((it) => it[field]))
  figures.push({ what, turn: of('turn'), beat: of('beat'), client: of('client') })
  console.log(figures.at(-1))
}

try {
  const put = (run: string, fields = '{}') => send('PUT', `runs/${run}`, fields)
  const post = (run: string, body: string) => send('POST', `runs/${run}/points`, body)
  for (let run = 0; run < 8; run++) await put(`big-${run}`, '{"clip":{"mode":"norm","max_norm":1}}')
  const long = ['grad_norm', 'loss', 'lr']
  for (let run = 0; run < 8; run++) {
    for (let part = 0; part < 10; part++) await post(`big-${run}`, columns(10_000, long, part * 10_000))
  }
  const wide = columns(2_000, names(100, 'm'))
  for (let run = 0; run < ROUNDS; run++) await put(`wide-${run}`)
  await measure('200,000 readings of 100 new metrics', (round) => post(`wide-${round}`, wide))
  await measure('the same sent again', (round) => post(`wide-${round}`, wide))
  const layers = columns(60, ['grad_norm', ...names(3_300, 'layers/layer')])
  for (let run = 0; run < ROUNDS; run++) await put(`layers-${run}`)
  await measure('60 steps of 3,300 layers', (round) => post(`layers-${round}`, layers))
  await measure('the same sent again', (round) => post(`layers-${round}`, layers))
  const all = columns(60, ['grad_norm', ...names(4_096, 'layers/layer')])
  for (let run = 0; run < ROUNDS; run++) await put(`all-layers-${run}`)
  await measure('60 steps of all 4,096 layers', (round) => post(`all-layers-${round}`, all))
  await measure('the end of that run', (round) =>
    send('PATCH', `runs/all-layers-${round}`, '{"status":"finished"}'),
  )
  const rows = JSON.stringify({
    points: Array.from({ length: 10_000 }, (_, i) => ({
      step: i,
      ...Object.fromEntries(names(20, 'm').map((name) => [name, i + 0.5])),
    })),
  })
  for (let run = 0; run < ROUNDS; run++) await put(`rows-${run}`)
  await measure('10,000 points of 20 readings, one by one', (round) => post(`rows-${round}`, rows))
  const full = JSON.stringify({
    points: Array.from({ length: 10_000 }, (_, i) => ({
      step: i,
      ...Object.fromEntries(names(60, 'm').map((name) => [name, i + 0.5])),
    })),
  })
  for (let run = 0; run < ROUNDS; run++) await put(`full-${run}`)
  await measure('10,000 points of 60 readings, one by one: 8 MB', (round) => post(`full-${round}`, full))
  const scattered = Array.from({ length: 10_000 }, (_, i) => i * 10)
  await measure('10,000 steps scattered over 100,000', () =>
    post('big-7', JSON.stringify({ columns: { step: scattered, grad_norm: scattered.map(() => 2) } })),
  )
  const config = JSON.stringify({
    config: Object.fromEntries(names(500, 'parameter_').map((name) => [name, 'x'.repeat(100)])),
  })
  await measure('20 configs of 60 KB', async (round) => {
    await Promise.all(Array.from({ length: 20 }, (_, i) => put(`config-${round}-${i}`, config)))
  })
  const eight = names(8, 'run=big-').join('&')
  await measure('comparing 8 runs of 100,000 steps', () => send('GET', `compare?${eight}`))
  await measure('what-if of 100,000 norms', () => send('GET', 'runs/big-0/caps?cap=0.5&cap=1&cap=2'))
  await measure('exporting 300,000 readings', () => send('GET', 'runs/big-1/points'))
  await measure('a new cap of 100,000 steps', (round) =>
    send('PATCH', 'runs/big-2', `{"clip":{"mode":"norm","max_norm":${2 + round}}}`),
  )
  await measure('cutting off 50,000 steps', (round) =>
    send('PATCH', `runs/big-${3 + round}`, '{"truncate_after":50000}'),
  )
  await put('heat', '{"clip":{"mode":"norm","max_norm":1}}')
  const allLayers = ['grad_norm', ...names(4_000, 'layers/layer')]
  for (let part = 0; part < 40; part++) await post('heat', columns(60, allLayers, part * 60))
  await measure('the layers of 2,400 steps, 4,000 of them', () =>
    send('GET', 'runs/heat/layers?from=100&to=1500'),
  )
  await measure('a snapshot of them', () => send('GET', 'runs/heat/snapshot'))
  const many = names(64, 'metric=layers/layer').join('&')
  await measure('64 metrics in 2,400 buckets', () => send('GET', `runs/heat/series?${many}&max_points=4000`))
  await put('late')
  for (let part = 0; part < 200; part++) await post('late', columns(10_000, long, part * 10_000))
  const late = Array.from({ length: 1_900 }, (_, i) => i * 1_024 + 7)
  await measure('1,900 late steps all over 2,000,000', () =>
    post('late', JSON.stringify({ columns: { step: late, eval_loss: late } })),
  )
  await measure('the same of 4,000 layers: 300 over 2,400', () =>
    post(
      'heat',
      JSON.stringify({
        columns: { step: late.slice(0, 300).map((_, i) => 7 * i), eval: late.slice(0, 300) },
      }),
    ),
  )
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}
console.table(figures)
if (only === undefined) await writeResults(import.meta.dirname, { ...machine(), figures }, 'turns.json')
