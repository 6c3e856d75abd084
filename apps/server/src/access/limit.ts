import { setTimeout as sleep } from 'node:timers/promises'
import type { Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import { LAYER_PREFIX } from '@normwatch/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { RunNotFound, type Store } from '../storage/store.ts'
import { Budget } from './budget.ts'
import type { Caller } from './caller.ts'
import { ADDRESS_SHARE, type Limits } from './limits.ts'
import { ProjectUsage } from './project-usage.ts'
import type { Sockets } from './sockets.ts'

const CHANGES_RUNS = ['POST /api/v1/runs', 'PUT /api/v1/runs/:id', 'PATCH /api/v1/runs/:id']

export interface Limiter {
  /** Before it is known who asks: refuses what one address asks too often, or over too many connections. */
  address(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** When it is known who asks. */
  caller(request: FastifyRequest, reply: FastifyReply, caller: Caller): Promise<void>
  /** When the body was read. */
  body(request: FastifyRequest): Promise<void>
}

/** Refuses what is more than one client's share; each refusal says how long to wait where waiting helps. */
export async function limit(
  app: FastifyInstance,
  { store, now }: { readonly store: Store; readonly now: () => number },
  limits: Limits,
  sockets: Sockets,
): Promise<Limiter> {
  const { maxRequests, maxConnections } = limits
  await app.register(rateLimit, { global: false })
  const byAddress = app.createRateLimit({ max: maxRequests * ADDRESS_SHARE, timeWindow: 1_000 })
  const byCaller = app.createRateLimit({
    max: maxRequests,
    timeWindow: 1_000,
    keyGenerator: ({ caller }: FastifyRequest) => caller?.id ?? '',
  })
  const connections = countConnections(app)
  const points = new Budget(limits.maxPoints)
  const usage = new ProjectUsage(store.runs, now)

  async function refuseFast(
    check: ReturnType<typeof app.createRateLimit>,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const state = await check(request)
    if (state.isAllowed || !state.isExceeded) return
    // Who asks again at once waits here: otherwise to refuse would cost as much as to answer.
    await sleep(state.ttl)
    throw tooMany('too_many_requests', reply, state.ttlInSeconds)
  }

  return {
    async address(request, reply) {
      // A trusted proxy's connections are those of all its clients.
      const isDirect = request.ip === request.socket.remoteAddress
      if (isDirect && connections.of(request.socket) > maxConnections) {
        void reply.header('connection', 'close')
        throw tooMany('too_many_connections', reply, 1)
      }
      await refuseFast(byAddress, request, reply)
    },
    async caller(request, reply, caller) {
      if (request.headers.upgrade !== undefined && sockets.countOf(caller) >= maxConnections) {
        throw tooMany('too_many_connections', reply, 1)
      }
      await refuseFast(byCaller, request, reply)
      // Before the body is read: a run that sends too much costs nothing more.
      const wait = isPoints(request) ? points.wait(idOf(request), now()) : 0
      if (wait > 0) {
        await sleep(Math.min(1, wait) * 1_000)
        throw tooMany('points_too_fast', reply, Math.ceil(wait))
      }
    },
    async body(request) {
      if (isPoints(request)) {
        points.spend(idOf(request), pointsIn(request.body), now())
        await refuseSeries(idOf(request), request.body)
      } else if (CHANGES_RUNS.includes(routeOf(request))) {
        await refuseRuns(request)
      }
    },
  }

  /** A run that is created, or moved to another project, must find room there. */
  async function refuseRuns({ params, body }: FastifyRequest): Promise<void> {
    const fields = (body ?? {}) as { id?: string; project?: string }
    const id = (params as { id?: string }).id ?? fields.id
    const present = id === undefined ? undefined : await projectOf(id)
    const project = fields.project ?? present ?? 'default'
    if (project === present) return
    const held = await usage.of(project)
    if (held.runs >= limits.maxRuns) throw new Refusal('too_many_runs')
    held.runs++
  }

  async function refuseSeries(id: string, body: unknown): Promise<void> {
    const project = await projectOf(id)
    if (project === undefined) return
    const held = await usage.of(project)
    if (held.series < limits.maxSeries) return
    const known = new Set(await store.points.metrics(id))
    if (namesIn(body).some((name) => !known.has(name))) throw new Refusal('too_many_series')
  }

  async function projectOf(id: string): Promise<string | undefined> {
    try {
      return (await store.runs.get(id)).project
    } catch (error) {
      if (error instanceof RunNotFound) return undefined
      throw error
    }
  }
}

const routeOf = ({ method, routeOptions }: FastifyRequest) => `${method} ${routeOptions.url}`
const isPoints = (request: FastifyRequest) => routeOf(request) === 'POST /api/v1/runs/:id/points'
const idOf = ({ params }: FastifyRequest) => (params as { id: string }).id

function tooMany(
  code: 'too_many_requests' | 'too_many_connections' | 'points_too_fast',
  reply: FastifyReply,
  seconds: number,
): Refusal {
  void reply.header('retry-after', String(Math.max(1, seconds)))
  return new Refusal(code)
}

/** Points that a body seems to hold; what it really holds is read later. */
function pointsIn(body: unknown): number {
  const { points, columns } = (body ?? {}) as { points?: unknown; columns?: { step?: unknown } }
  const rows = Array.isArray(points) ? points : columns?.step
  return Array.isArray(rows) ? rows.length : 0
}

/** Metrics that a body seems to name. */
function namesIn(body: unknown): string[] {
  const { points, columns } = (body ?? {}) as { points?: unknown; columns?: object }
  const rows = (Array.isArray(points) ? points : [columns]) as (Record<string, unknown> | null | undefined)[]
  const names = rows.flatMap((row) => [
    ...Object.keys(row ?? {}).filter((name) => !['step', 'time', 'layers'].includes(name)),
    ...Object.keys((row?.['layers'] as object | null | undefined) ?? {}).map((name) => LAYER_PREFIX + name),
  ])
  return [...new Set(names)]
}

/** Counts the open connections of each address. */
function countConnections(app: FastifyInstance): { of(socket: Socket): number } {
  const counts = new Map<string, number>()
  app.server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    counts.set(address, (counts.get(address) ?? 0) + 1)
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1
      if (left > 0) counts.set(address, left)
      else counts.delete(address)
    })
  })
  return { of: ({ remoteAddress = '' }) => counts.get(remoteAddress) ?? 0 }
}
