import { setTimeout as sleep } from 'node:timers/promises'
import { LAYER_PREFIX, MAX_BODY_BYTES } from '@normwatch/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../../errors.ts'
import { othersTurns } from '../../in-slices.ts'
import { encodingOf } from '../../plugins/json-bodies.ts'
import { hasLongBody } from '../../plugins/make-way.ts'
import type { Store } from '../../storage/store.ts'
import { Budget } from './budget.ts'
import type { Caller } from '../identity/caller.ts'
import { Connections } from './connections.ts'
import { ADDRESS_SHARE, BURST, type Limits } from './limits.ts'
import { OneAtATime } from './one-at-a-time.ts'
import { ProjectUsage } from './project-usage.ts'
import { CHANGES_RUNS, countPoints, isPoints, routeOf } from './requests.ts'
import { growingProject, projectOf } from './run-project.ts'
import { SECOND_MS, SecondCounts } from './second-counts.ts'
import type { Sockets } from '../identity/sockets.ts'
import { Turns } from './turns.ts'

/**
 * Share of a second's requests that are answered as they come; the others are spread over it. None of one who was busy in
 * the second before: a burst at the beginning of each second would keep the others waiting.
 */
const IMMEDIATE_SHARE = 0.1
/** Requests of one address with an unknown caller in a second, and how long the answers to further ones are delayed. */
const MAX_UNKNOWN = 20
const UNKNOWN_HOLD_MS = 1_000
/**
 * Seconds for which the refusal of a body is delayed: every client waits that long for an answer. Nothing is lost by
 * it, since the budget keeps refilling; and each connection with a body costs 64 KiB of garbage.
 */
const HOLD_SECONDS = 5
/**
 * Bytes per second at which the bodies of one token are processed, and how many seconds' worth need not wait. So each
 * large body is committed before the next one is read, and other clients get their turn in between.
 */
const PACE = { rate: 8 * 1024 * 1024, burst: 1 / 32 }

export interface Limiter {
  /** Before authentication: refuses an address with too many requests or connections. */
  address(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** After a request whose caller is unknown: whoever goes on guessing waits for the answers. */
  unknown(request: FastifyRequest): Promise<void>
  /** After authentication. */
  caller(request: FastifyRequest, reply: FastifyReply, caller: Caller): Promise<void>
  /**
   * Unpacks a body that has arrived, and works on it: those of one token one after the other, so that one of them at
   * a time is in memory, and each only while the token may still send.
   */
  unpack<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T>
  /** When the body has arrived and was unpacked, before it is parsed. */
  bytes(request: FastifyRequest, length: number): Promise<void>
  /** When the body was read. */
  body(request: FastifyRequest): Promise<void>
}

/** Refuses requests beyond one client's share; each refusal says how long to wait, if waiting helps. */
export async function createLimiter(
  app: FastifyInstance,
  { store, now }: { readonly store: Store; readonly now: () => number },
  limits: Limits,
  sockets: Sockets,
): Promise<Limiter> {
  const { maxRequests, maxConnections } = limits
  const byAddress = new SecondCounts(maxRequests * ADDRESS_SHARE)
  const byCaller = new SecondCounts(maxRequests)
  const unknown = new SecondCounts(MAX_UNKNOWN)
  const connections = new Connections(app, maxConnections, now)
  const turns = new Turns()
  const bytes = new Budget(limits.maxBytes, BURST)
  const points = new Budget(limits.maxPoints, BURST)
  const pace = new Budget(PACE.rate, PACE.burst)
  const unpacking = new OneAtATime()
  const refusing = new OneAtATime()
  const usage = new ProjectUsage(store.runs, now)

  async function refuseFast(
    counts: SecondCounts,
    name: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ) {
    const { nth, leftMs, wasBusy } = counts.count(name, now())
    if (nth > counts.max) await refuse('too_many_requests', request, reply, leftMs / 1_000)
    // the last one comes at the end of the second: who asks one after the other is never refused
    const early = (nth / counts.max) * SECOND_MS - (SECOND_MS - leftMs)
    const immediate = wasBusy ? 0 : counts.max * IMMEDIATE_SHARE
    if (nth > immediate && early > 0) await sleep(early)
  }

  /** A client that retries at once waits here: otherwise refusing would cost as much as answering. */
  async function refuse(code: TooMany, request: FastifyRequest, reply: FastifyReply, seconds: number) {
    await sleep((hasLongBody(request) ? HOLD_SECONDS : Math.min(HOLD_SECONDS, seconds)) * 1_000)
    // Spreads requests that waited for the same moment.
    await turns.take(request.ip)
    // The rest of a long body is not read; a short one is, so that the connection can be used again.
    if (hasLongBody(request)) {
      await refusing.run(request.ip, othersTurns)
      void reply.header('connection', 'close')
    }
    throw tooMany(code, seconds)
  }

  /** Waits until the bodies before this one are done. */
  async function keepPace(id: string, length: number) {
    if (length <= 0) return
    const early = pace.wait(id, now())
    pace.spend(id, length, now())
    if (early > 0) await sleep(early * 1_000)
  }

  return {
    async address(request, reply) {
      if (!connections.admitsRequest(request, reply)) return void reply.hijack()
      if (connections.hasTooMany(request)) {
        void reply.header('connection', 'close')
        throw tooMany('too_many_connections', 1)
      }
      await refuseFast(byAddress, request.ip, request, reply)
    },
    async unknown({ ip }) {
      if (unknown.count(ip, now()).nth > unknown.max) await sleep(UNKNOWN_HOLD_MS)
    },
    async caller(request, reply, caller) {
      if (request.ws && sockets.countOf(caller) >= maxConnections) {
        throw tooMany('too_many_connections', 1)
      }
      await refuseFast(byCaller, caller.id, request, reply)
      // Before the body is read, so that a client over its limit costs nothing more.
      const tooFast = isPoints(request) ? points.wait(idOf(request), now()) : 0
      if (tooFast > 0) await refuse('points_too_fast', request, reply, tooFast)
      const tooMuch = hasBody(request) ? bytes.wait(caller.id, now()) : 0
      if (tooMuch > 0) await refuse('bytes_too_fast', request, reply, tooMuch)
      if (!isPacked(request)) bytes.spend(caller.id, assumedBytes(request), now())
      await keepPace(caller.id, announcedBytes(request))
      await turns.take(caller.id)
    },
    unpack(request, work) {
      const { id = '' } = request.caller ?? {}
      return unpacking.run(id, async () => {
        const tooMuch = bytes.wait(id, now())
        bytes.spend(id, assumedBytes(request), now())
        if (tooMuch > 0) throw tooMany('bytes_too_fast', tooMuch)
        return work()
      })
    },
    async bytes(request, length) {
      const { id = '' } = request.caller ?? {}
      bytes.spend(id, length - assumedBytes(request), now())
      await keepPace(id, length - announcedBytes(request))
      await turns.take(id)
    },
    async body(request) {
      if (isPoints(request)) {
        points.spend(idOf(request), countPoints(request.body), now())
        await refuseSeries(idOf(request), request.body)
      } else if (CHANGES_RUNS.includes(routeOf(request))) {
        await refuseRuns(request)
      }
    },
  }

  /** A run that is created, or moved to another project, must find room there. */
  async function refuseRuns(request: FastifyRequest): Promise<void> {
    const project = await growingProject(request, store.runs)
    if (project === undefined) return
    const held = await usage.of(project)
    if (held.runs >= limits.maxRuns) throw new Refusal('too_many_runs')
    held.runs++
  }

  async function refuseSeries(id: string, body: unknown): Promise<void> {
    const project = await projectOf(store.runs, id)
    if (project === undefined) return
    const held = await usage.of(project)
    if (held.series < limits.maxSeries) return
    const known = new Set(await store.points.metrics(id))
    if (metricNames(body).some((name) => !known.has(name))) throw new Refusal('too_many_series')
  }
}

const idOf = ({ params }: FastifyRequest) => (params as { id: string }).id

type TooMany = 'too_many_requests' | 'too_many_connections' | 'points_too_fast' | 'bytes_too_fast'

function tooMany(code: TooMany, seconds: number): Refusal {
  return new Refusal(code, undefined, [], Math.max(1, Math.ceil(seconds)))
}

/** A packed body is counted against the budget when it is unpacked: its real length is unknown before. */
const isPacked = (request: FastifyRequest) => encodingOf(request) !== undefined

const hasBody = (request: FastifyRequest) => assumedBytes(request) > 0

/** Announced bytes of the body, packed or not; 0 if unknown. */
function announcedBytes({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return 0
  return Math.min(Number(headers['content-length'] ?? 0), MAX_BODY_BYTES)
}

/** The same; the maximum if unknown. */
function assumedBytes(request: FastifyRequest): number {
  return request.headers['transfer-encoding'] === undefined ? announcedBytes(request) : MAX_BODY_BYTES
}

/** Estimated metrics in a body. */
function metricNames(body: unknown): string[] {
  const { points, columns } = (body ?? {}) as { points?: unknown; columns?: object }
  const rows = (Array.isArray(points) ? points : [columns]) as (Record<string, unknown> | null | undefined)[]
  const names = rows.flatMap((row) => [
    ...Object.keys(row ?? {}).filter((name) => !['step', 'time', 'layers'].includes(name)),
    ...Object.keys((row?.['layers'] as object | null | undefined) ?? {}).map((name) => LAYER_PREFIX + name),
  ])
  return [...new Set(names)]
}
