import { setTimeout as pause } from 'node:timers/promises'
import type { LiveFrame } from '@normwatch/protocol'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { ask, startBalancer, type Reply } from './balancer.ts'
import { emptyDatabase } from './postgres.ts'
import { startServer, type ServerProcess } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const SERVERS = 3
/** More of them in a longer run, which says what it measured. */
const KILLS = Number(process.env['NORMWATCH_TEST_KILLS'] ?? 8)
const RUNS = 4
const BATCH = 10

/** A client that asks again until a server answers; how long it waited for each answer, in milliseconds. */
class Client {
  readonly waits: number[] = []
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  async send(method: string, path: string, body?: object): Promise<Reply> {
    const began = performance.now()
    for (;;) {
      const reply = await ask(this.#url, method, path, body).catch(() => undefined)
      if (reply !== undefined && reply.status < 500) {
        this.waits.push(performance.now() - began)
        return reply
      }
      if (reply !== undefined && reply.status !== 503) throw new Error(`${method} ${path}: ${reply.text}`)
      await pause(20)
    }
  }

  async need(method: string, path: string, body?: object): Promise<unknown> {
    const { status, text } = await this.send(method, path, body)
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}

/** Trains until `isOver`; gives the number of steps, all acknowledged. Changes its run now and then. */
async function train(client: Client, run: string, isOver: () => boolean): Promise<number> {
  await client.need('PUT', `/runs/${run}`, { clip: { mode: 'norm', max_norm: 1 } })
  let steps = 0
  for (let i = 0; !isOver() || steps < 200; i++) {
    const step = Array.from({ length: BATCH }, (_, i) => steps + i)
    const columns = { step, grad_norm: step.map((step) => 3 + (step % 5) / 10), loss: step.map(lossAt) }
    const sent = step.map(() => Date.now())
    await client.need('POST', `/runs/${run}/points`, { columns: { ...columns, sent } })
    steps += BATCH
    if (i % 7 === 3) await client.need('PATCH', `/runs/${run}`, { notes: `after ${steps}` })
    if (i % 23 === 11) await client.need('PUT', `/runs/${run}/settings`, { spike: { enabled: i % 2 === 0 } })
    if (i % 19 === 5) {
      const events = [{ step: steps, label: 'checkpoint' }]
      await client.need('POST', `/runs/${run}/events`, { events })
    }
    if (i % 11 === 7) {
      await client.need('PUT', `/runs/${run}-draft`, {})
      await client.need('POST', `/runs/${run}-draft/points`, { columns: { step: [0], loss: [1] } })
      // 404: done by a server that died before it could say so
      const { status } = await client.send('DELETE', `/runs/${run}-draft`)
      expect([204, 404]).toContain(status)
    }
  }
  await client.need('PATCH', `/runs/${run}`, { status: 'finished' })
  return steps
}

const lossAt = (step: number) => Math.round(1e6 / (step + 1)) / 1e6

/** The record as it is exported. */
async function recordOf(client: Client, run: string): Promise<{ step: number; loss: number }[]> {
  const { text } = await client.send('GET', `/runs/${run}/points?metric=loss`)
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => JSON.parse(line) as { step: number; loss: number })
}

/** Follows runs at whichever server, and comes back to another with `after` when its own dies; fetches after a gap. */
class LiveReader {
  readonly steps = new Map<string, Set<number>>()
  readonly #client: Client
  readonly #after = new Map<string, number>()
  #socket: WebSocket | undefined
  #isOver = false
  gaps = 0
  /** From the sending of each batch to its frame, in milliseconds. */
  readonly delays: number[] = []

  constructor(url: string, runs: readonly string[]) {
    this.#client = new Client(url)
    for (const run of runs) this.steps.set(run, new Set())
    void this.#follow(url.replace('http', 'ws'))
    onTestFinished(() => this.close())
  }

  close(): void {
    this.#isOver = true
    this.#socket?.terminate()
  }

  async #follow(url: string): Promise<void> {
    while (!this.#isOver) {
      const socket = (this.#socket = new WebSocket(`${url}/api/v1/live`))
      socket.on('error', () => undefined)
      socket.on('open', () => {
        for (const run of this.steps.keys()) {
          const after = this.#after.get(run)
          socket.send(JSON.stringify({ type: 'watch', run, ...(after !== undefined && { after }) }))
          if (after === undefined) void this.#fetch(run)
        }
      })
      socket.on('message', (data) => this.#read(JSON.parse(String(data)) as LiveFrame))
      // a server that stops may refuse it: an error comes before the close
      await new Promise((resolve) => socket.once('close', resolve))
      await pause(20)
    }
  }

  #read(frame: LiveFrame): void {
    if (frame.type === 'points') {
      for (const step of frame.columns.step ?? []) this.steps.get(frame.run)?.add(step)
      const sent = new Set(frame.columns['sent'] as number[] | undefined)
      for (const at of sent) this.delays.push(Date.now() - at)
      this.#after.set(frame.run, frame.seq)
    } else if (frame.type === 'gap') {
      this.gaps++
      void this.#fetch(frame.run)
    }
  }

  async #fetch(run: string): Promise<void> {
    for (const { step } of await recordOf(this.#client, run)) this.steps.get(run)?.add(step)
  }
}

function percentiles(milliseconds: readonly number[]): string {
  const sorted = milliseconds.toSorted((a, b) => a - b)
  const [p50, p99, most] = [0.5, 0.99, 1].map((of) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * of))] as number),
  )
  return `p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`
}

it(
  `loses no point and counts none twice at ${SERVERS} servers, of which one is killed ${KILLS} times`,
  async () => {
    const database = await emptyDatabase()
    // a process that is killed writes no compile cache: with the one of a process that ended, all start sooner
    const environment = { NORMWATCH_DATABASE_URL: database, NODE_COMPILE_CACHE: await tempFolder() }
    const folders = await Promise.all(Array.from({ length: SERVERS }, tempFolder))
    const balancer = await startBalancer(SERVERS)
    const servers: ServerProcess[] = []
    const start = async (place: number) => {
      const server = await startServer(folders[place] as string, [], environment)
      servers[place] = server
      balancer.servers[place] = server.url
    }
    await start(0)
    expect((await servers[0]?.end('SIGTERM'))?.code).toBe(0)
    await Promise.all(folders.map((_, place) => start(place)))

    const client = new Client(balancer.url)
    const runs = Array.from({ length: RUNS }, (_, i) => `run-${i}`)
    let isOver = false
    const trainings = runs.map((run) => train(client, run, () => isOver))
    await expect
      .poll(async () => (await ask(balancer.url, 'GET', '/runs')).text, { timeout: 60_000 })
      .toContain(`run-${RUNS - 1}`)
    await expect.poll(() => client.waits.length, { timeout: 60_000 }).toBeGreaterThan(RUNS * 5)
    const readers = Array.from({ length: SERVERS }, () => new LiveReader(balancer.url, runs))
    const killing = async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        const place = Math.floor(Math.random() * SERVERS)
        const before = client.waits.length
        // in the midst of requests
        while (client.waits.length < before + 10) await pause(Math.random() * 50)
        await servers[place]?.end('SIGKILL')
        await start(place)
      }
    }
    await Promise.race([killing(), Promise.all(trainings)])
    isOver = true
    const steps = await Promise.all(trainings)

    for (const [i, run] of runs.entries()) {
      const expected = Array.from({ length: steps[i] as number }, (_, step) => ({ step, loss: lossAt(step) }))
      for (const { url } of servers) {
        const here = new Client(url)
        expect((await recordOf(here, run)).map(({ step, loss }) => ({ step, loss }))).toEqual(expected)
        expect(await here.need('GET', `/runs/${run}`)).toMatchObject({
          points: steps[i],
          status: 'finished',
          clipping: { rate_total: 1 },
        })
        const { findings } = (await here.need('GET', `/runs/${run}/findings?kind=clip_saturated`)) as {
          findings: unknown[]
        }
        expect(findings).toMatchObject([{ state: 'closed', close_reason: 'run_finished' }])
        expect((await here.send('GET', `/runs/${run}-draft`)).status).toBe(404)
      }
      for (const reader of readers) {
        await expect.poll(() => reader.steps.get(run)?.size, { timeout: 60_000 }).toBe(steps[i])
      }
    }
    if (process.env['NORMWATCH_TEST_KILLS'] !== undefined) {
      const delays = readers.flatMap((reader) => reader.delays)
      const gaps = readers.reduce((sum, { gaps }) => sum + gaps, 0)
      const figures = [
        `${KILLS} kills, ${steps.join(' + ')} points, ${gaps} gaps`,
        `${client.waits.length} answers: ${percentiles(client.waits)}`,
        `${delays.length} live batches: ${percentiles(delays)}`,
      ]
      process.stderr.write(`${figures.join('\n')}\n`)
    }
  },
  600_000 + KILLS * 30_000,
)
