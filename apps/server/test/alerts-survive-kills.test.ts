import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'
import { expect, it, onTestFinished } from 'vitest'
import type { Finding } from '@normwatch/protocol'
import { startReceiver, type Received } from './alerts-receiver.ts'
import { tempFolder } from './start-app.ts'

const ROUNDS = 50
const RUNS_A_ROUND = 6
const main = join(import.meta.dirname, '../src/main.ts')

interface Event {
  readonly type: string
  readonly finding: { readonly id: string; readonly run: string }
}

/** The real server on a free port; resolves when it answers. */
async function startServer(
  folder: string,
  groupSeconds: number,
  env: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; api: string }> {
  const flags = ['--port', '0', '--data', folder, '--webhook-allow', '127.0.0.0/8']
  const child = spawn(process.execPath, [main, ...flags, '--group-seconds', String(groupSeconds)], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const address = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
      if (url !== undefined) resolve(url)
    })
  })
  return { child, api: `${address}/api/v1` }
}

async function call(api: string, method: string, path: string, body?: object) {
  const response = await fetch(`${api}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return response.json() as Promise<Record<string, never[]>>
}

/** All pages of a list. */
async function all<T>(api: string, path: string, name: string): Promise<T[]> {
  const rows: T[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Record<string, unknown> = await call(
      api,
      'GET',
      `${path}?limit=200${cursor && `&cursor=${cursor}`}`,
    )
    rows.push(...(page[name] as T[]))
    cursor = page['next_cursor'] as string | null
  }
  return rows
}

const saturated = {
  columns: { step: Array.from({ length: 60 }, (_, i) => i), grad_norm: Array<number>(60).fill(5) },
}

function eventsOf({ body, headers }: Received, secret: string): Event[] {
  const { type, data } = new Webhook(secret).verify(body, headers as Record<string, string>) as {
    type: string
    data: Event & { events?: Event[] }
  }
  return data.events ?? [{ ...data, type }]
}

it(`delivers every finding exactly once through ${ROUNDS} kills`, async () => {
  const folder = await tempFolder()
  // A process that is killed writes no compile cache; with the one of a process that ended, all start in half the time.
  const env = { ...process.env, NODE_COMPILE_CACHE: await tempFolder() }
  expect(spawnSync(process.execPath, [main, '--help'], { env }).status).toBe(0)
  const answers = { slow: 0 }
  const receiver = await startReceiver((response) => {
    setTimeout(() => response.writeHead(204).end(), answers.slow++ % 20)
  })
  const accepted: string[] = []
  const live: string[] = []
  let secret = ''
  for (let round = 0; round < ROUNDS; round++) {
    const { child, api } = await startServer(folder, round % 2, env)
    const died = once(child, 'exit')
    if (round === 0) {
      const made: unknown = await call(api, 'POST', '/channels', { kind: 'webhook', url: receiver.url })
      secret = (made as { secret: string }).secret
    }
    // dies when a random number of runs are accepted, between one statement and the next
    const fatal = accepted.length + Math.floor(Math.random() * RUNS_A_ROUND)
    const work = Array.from({ length: RUNS_A_ROUND }, async (_, i) => {
      const run = `run-${round}-${i}`
      await call(api, 'PUT', `/runs/${run}`, { clip: { mode: 'norm', max_norm: 1 } })
      await call(api, 'POST', `/runs/${run}/points`, saturated)
      accepted.push(run)
      live.push(run)
      if (accepted.length >= fatal) setTimeout(() => child.kill('SIGKILL'), Math.random() * 20)
    })
    // some end, so that closings are under way as well
    const ending = live.splice(0, 3).map((run) => call(api, 'PATCH', `/runs/${run}`, { status: 'finished' }))
    await Promise.allSettled([...work, ...ending])
    await died
  }

  const { child, api } = await startServer(folder, 0, env)
  const pending = async () =>
    (await all<{ state: string }>(api, '/deliveries', 'deliveries')).filter(
      ({ state }) => state === 'pending',
    ).length
  await expect.poll(pending, { timeout: 30_000, interval: 200 }).toBe(0)
  const findings = await all<Finding>(api, '/findings', 'findings')
  child.kill('SIGTERM')
  await once(child, 'exit')

  const told = new Map<string, Set<string>>()
  for (const message of receiver.received) {
    for (const { type, finding } of eventsOf(message, secret)) {
      const ids = told.get(`${type} ${finding.id}`) ?? new Set()
      told.set(`${type} ${finding.id}`, ids.add(String(message.headers['webhook-id'])))
    }
  }
  // every acknowledged run was judged in the unit that stored it
  const flagged = new Set(findings.filter(({ kind }) => kind === 'clip_saturated').map(({ run }) => run))
  expect(accepted.filter((run) => !flagged.has(run))).toEqual([])
  expect(accepted.length).toBeGreaterThan(ROUNDS)
  const expected = findings.flatMap(({ id, state, opened_at, closed_at }) => {
    const edges =
      state === 'open' ? [`finding.opened ${id}`] : [`finding.opened ${id}`, `finding.closed ${id}`]
    // what closed within the window of a second is told from beginning to end, or not at all
    const isShort = closed_at !== null && Date.parse(closed_at) - Date.parse(opened_at) < 2_000
    return isShort && !edges.some((edge) => told.has(edge)) ? [] : edges
  })
  const missing = expected.filter((edge) => !told.has(edge))
  const repeated = [...told].filter(([, ids]) => ids.size !== 1).map(([edge]) => edge)
  expect({ missing, repeated }).toEqual({ missing: [], repeated: [] })
}, 300_000)
