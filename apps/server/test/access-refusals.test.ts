import { connect } from 'node:net'
import { once } from 'node:events'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { settings } from '../src/settings.ts'
import { bearer, makeToken } from './access-fixtures.ts'
import { startApp, type Answer, type TestApp } from './start-app.ts'

const NARROW = {
  maxRequests: 1_000,
  maxPoints: 1,
  maxBytes: 100_000,
  maxRuns: 1,
  maxSeries: 1,
  maxConnections: 1_000,
}

interface Limited {
  readonly service: TestApp
  readonly send: (method: 'GET' | 'PUT' | 'POST', path: string, payload?: object) => Promise<Answer>
  readonly secret: string
}
const rows = (count: number, name = 'loss') => ({
  points: Array.from({ length: count }, (_, step) => ({ step, [name]: 1 })),
})

async function repeat(times: number, work: () => Promise<Answer>): Promise<Answer> {
  for (let i = 1; i < times; i++) await work()
  return work()
}

/** Opens a connection or a socket and leaves it open. */
async function open(url: string, headers?: Record<string, string>): Promise<void> {
  const one =
    headers === undefined
      ? connect(Number(new URL(url).port), '127.0.0.1')
      : new WebSocket(`${url.replace('http', 'ws')}/api/v1/live`, { headers })
  onTestFinished(() => void ('terminate' in one ? one.terminate() : one.destroy()))
  await once(one, headers === undefined ? 'connect' : 'open')
}
async function asAnswer(reply: Response): Promise<Answer> {
  const text = await reply.text()
  return { status: reply.status, headers: Object.fromEntries(reply.headers), text, body: JSON.parse(text) }
}

/** Each limit: how it is overstepped, and with what it is refused. */
const limits: readonly {
  readonly of: keyof typeof settings | 'body'
  readonly code: string
  readonly status: number
  readonly waits: boolean
  readonly narrow?: object
  overstep(limited: Limited): Promise<Answer>
}[] = [
  {
    of: 'maxRequests',
    code: 'too_many_requests',
    status: 429,
    waits: true,
    narrow: { maxRequests: 3 },
    async overstep({ send }) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => send('GET', '/runs')))
      return answers.find(({ status }) => status !== 200) as Answer
    },
  },
  {
    of: 'maxPoints',
    code: 'points_too_fast',
    status: 429,
    waits: true,
    overstep: ({ send }) => repeat(2, () => send('POST', '/runs/r/points', rows(12))),
  },
  {
    of: 'maxBytes',
    code: 'bytes_too_fast',
    status: 429,
    waits: true,
    narrow: { maxBytes: 10 },
    overstep: ({ send }) => repeat(2, () => send('PUT', '/runs/r', { notes: 'n'.repeat(120) })),
  },
  {
    of: 'maxRuns',
    code: 'too_many_runs',
    status: 409,
    waits: false,
    overstep: ({ send }) => send('PUT', '/runs/another', {}),
  },
  {
    of: 'maxSeries',
    code: 'too_many_series',
    status: 409,
    waits: false,
    narrow: { maxSeries: 0, maxPoints: 1_000 },
    overstep: ({ send }) => send('POST', '/runs/r/points', rows(1, 'another')),
  },
  {
    of: 'maxConnections',
    code: 'too_many_connections',
    status: 429,
    waits: true,
    narrow: { maxConnections: 2 },
    async overstep({ service, secret }) {
      const url = await service.listen()
      await open(url)
      await open(url)
      return asAnswer(await fetch(`${url}/api/v1/runs`, { headers: bearer(secret) }))
    },
  },
  {
    of: 'body',
    code: 'body_too_large',
    status: 413,
    waits: false,
    narrow: { maxBytes: 1e9 },
    overstep: ({ send }) => send('POST', '/runs/r/points', { points: [], more: 'x'.repeat(8 * 2 ** 20) }),
  },
]

it.each(limits)('answers what is beyond $of with $status $code', { timeout: 20_000 }, async (limit) => {
  const service = await startApp({ access: { limits: { ...NARROW, ...limit.narrow } } })
  const { secret } = await makeToken(service, { scope: 'admin' })
  await service.services.ingest.put('r', {})
  const send: Limited['send'] = (method, path, payload) =>
    service.inject({
      method,
      url: `/api/v1${path}`,
      headers: bearer(secret),
      ...(payload === undefined ? {} : { payload }),
    })
  const { status, body, headers } = await limit.overstep({ service, send, secret })
  expect({ status, code: body.error.code }).toEqual({ status: limit.status, code: limit.code })
  if (limit.waits) expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1)
  else expect(headers['retry-after']).toBeUndefined()
})

it('has a row for every limit that can be set', () => {
  const settable = Object.keys(settings).filter((name) => name.startsWith('max'))
  expect(limits.map(({ of }) => of)).toEqual(expect.arrayContaining(settable))
})
