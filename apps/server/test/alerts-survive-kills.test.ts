import { Webhook } from 'standardwebhooks'
import { expect, it } from 'vitest'
import type { Finding } from '@normwatch/protocol'
import { startReceiver, type Received } from './alerts-receiver.ts'
import { startServer } from './server-process.ts'
import { tempFolder } from './start-app.ts'

const ROUNDS = 50
const RUNS_A_ROUND = 6

interface Event {
  readonly type: string
  readonly finding: { readonly id: string; readonly run: string }
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
  // A process that is killed writes no compile cache: with the one of a process that ended, all start sooner.
  const env = { NODE_COMPILE_CACHE: await tempFolder() }
  const start = async (groupSeconds: number) => {
    const flags = ['--webhook-allow', '127.0.0.0/8', '--group-seconds', String(groupSeconds)]
    const server = await startServer(folder, flags, env)
    return { ...server, api: `${server.url}/api/v1` }
  }
  const receiver = await startReceiver((response) => {
    setTimeout(() => response.writeHead(204).end(), Math.random() * 20)
  })
  const accepted: string[] = []
  const live: string[] = []
  const first = await start(0)
  const made: unknown = await call(first.api, 'POST', '/channels', { kind: 'webhook', url: receiver.url })
  const { secret } = made as { secret: string }
  expect((await first.end('SIGTERM')).code).toBe(0)
  for (let round = 0; round < ROUNDS; round++) {
    const { process: child, api, end } = await start(round % 2)
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
    await end('SIGKILL')
  }

  const { api, end } = await start(0)
  const pending = async () =>
    (await all<{ state: string }>(api, '/deliveries', 'deliveries')).filter(
      ({ state }) => state === 'pending',
    ).length
  await expect.poll(pending, { timeout: 30_000, interval: 200 }).toBe(0)
  const findings = await all<Finding>(api, '/findings', 'findings')
  expect((await end('SIGTERM')).code).toBe(0)

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
  const order = [...told.keys()]
  const early = findings.filter(({ id }) => {
    const end = order.indexOf(`finding.closed ${id}`)
    return end >= 0 && order.indexOf(`finding.opened ${id}`) > end
  })
  expect({ missing, repeated, early }).toEqual({ missing: [], repeated: [], early: [] })
}, 600_000)
