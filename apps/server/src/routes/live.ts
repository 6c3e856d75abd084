import type { FastifyInstance } from 'fastify'
import { LiveRequestSchema, type LiveRequest, type Projects } from '@normwatch/protocol'
import type { WebSocket } from 'ws'
import type { Caller } from '../access/identity/caller.ts'
import { compileSchema } from '../plugins/compile-schema.ts'
import { refuseProject } from '../access/may.ts'
import { liveErrors, Refusal, refusalOf } from '../errors.ts'
import { errorFrame } from '../live/frames.ts'
import type { Services } from '../services.ts'

/** Runs that one socket may watch. */
const MAX_WATCHES = 64
/** Messages of one socket that may wait for their answer. */
const MAX_WAITING = 128
/** Most bytes of unread answers; above, the socket is closed. */
const MAX_UNREAD_BYTES = 16 * 1024 * 1024
/** Milliseconds between two pings; a socket that missed one is cut. */
const PING_EVERY_MS = 30_000

const requests = compileSchema(LiveRequestSchema)

/** `GET /live`: a reader subscribes to runs and gets their changes. */
export function liveRoute(services: Services): (app: FastifyInstance) => Promise<void> {
  return async (app) => {
    app.route({
      method: 'GET',
      url: '/live',
      schema: { hide: true },
      handler: (_request, reply) => {
        void reply.header('upgrade', 'websocket')
        throw new Refusal('upgrade_required')
      },
      wsHandler: (socket: WebSocket, { caller, reach }) => serve(services, socket, caller as Caller, reach),
    })
  }
}

function serve({ hub, store }: Services, socket: WebSocket, caller: Caller, reach: Projects): void {
  const reader = hub.join(socket, reach)
  const watched = new Set<string>()
  let waiting = 0
  let answered = Promise.resolve()
  socket.on('close', () => hub.leave(reader))
  socket.on('message', (data, isBinary) => {
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) return socket.terminate()
    const request = isBinary ? undefined : readRequest(String(data))
    if (request === undefined) return socket.send(errorFrame('frame_invalid', liveErrors.frame_invalid))
    if (++waiting > MAX_WAITING) return socket.close(1008, 'too many messages at once')
    // One after the other: an `unwatch` must not overtake its `watch`.
    answered = answered
      .then(() => follow(request))
      .catch((error: unknown) => socket.send(watchError(error)))
      .finally(() => waiting--)
  })
  keepAlive(socket)

  async function follow(request: LiveRequest): Promise<void> {
    if ('runs' in request) {
      const { project } = request.runs
      refuseProject(caller, reach, project)
      return request.type === 'watch' ? hub.watchRuns(reader, project) : hub.unwatchRuns(reader, project)
    }
    if (request.type === 'unwatch') {
      watched.delete(request.run)
      return hub.unwatchRun(reader, request.run)
    }
    if (!watched.has(request.run) && watched.size >= MAX_WATCHES) {
      return socket.send(errorFrame('too_many_watches', liveErrors.too_many_watches))
    }
    watched.add(request.run)
    try {
      const run = await store.runs.get(request.run)
      refuseProject(caller, reach, run.project)
      await hub.watchRun(reader, run, request)
    } catch (error) {
      watched.delete(request.run)
      throw error
    }
  }
}

function watchError(error: unknown): string {
  const { code, message } = refusalOf(error) ?? new Refusal('store_unavailable')
  return errorFrame(code, message)
}

function readRequest(text: string): LiveRequest | undefined {
  try {
    const request: unknown = JSON.parse(text)
    return requests(request) ? request : undefined
  } catch {
    return undefined
  }
}

function keepAlive(socket: WebSocket): void {
  let isAlive = true
  const timer = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
  }, PING_EVERY_MS)
  timer.unref()
  socket.on('pong', () => (isAlive = true))
  socket.on('close', () => clearInterval(timer))
}
