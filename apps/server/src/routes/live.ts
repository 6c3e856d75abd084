import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { LiveRequestSchema, type LiveRequest, type Projects } from '@normwatch/protocol'
import type { WebSocket } from 'ws'
import type { Caller } from '../access/identity/caller.ts'
import { Budget } from '../access/limits/budget.ts'
import { compileSchema } from '../plugins/compile-schema.ts'
import { refuseProject } from '../access/may.ts'
import { liveErrors, Refusal, refusalOf } from '../errors.ts'
import { errorFrame } from '../live/frames.ts'
import type { Services } from '../services.ts'

/** Runs, and projects' lists of runs, that one socket may watch. */
const MAX_WATCHES = 64
/** Messages of one socket that may wait for their answer. */
const MAX_WAITING = 128
/** Messages of one socket that are answered in a second, beyond those of the first four seconds. */
const MESSAGES_A_SECOND = 32
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
  /** What is watched: runs by id, lists by `watchedList`. */
  const watched = new Set<string>()
  const budget = new Budget(MESSAGES_A_SECOND, MAX_WAITING / MESSAGES_A_SECOND)
  let waiting = 0
  let answered = Promise.resolve()
  socket.on('close', () => hub.leave(reader))
  socket.on('message', (data, isBinary) => {
    if (socket.bufferedAmount > MAX_UNREAD_BYTES) return socket.terminate()
    if (++waiting > MAX_WAITING) return socket.close(1008, 'too many messages at once')
    // One after the other: an `unwatch` must not overtake its `watch`. Others are served in between.
    answered = answered
      .then(() => itsTurn())
      .then(() => answer(isBinary ? undefined : readRequest(String(data))))
      .catch((error: unknown) => socket.send(watchError(error)))
      .finally(() => waiting--)
  })
  keepAlive(socket)

  /** Resolves when the socket's next message may be answered. */
  async function itsTurn(): Promise<void> {
    const seconds = budget.wait('messages', performance.now())
    budget.spend('messages', 1, performance.now())
    await (seconds > 0 ? pause(seconds * 1000) : nextTurn())
  }

  async function answer(request: LiveRequest | undefined): Promise<void> {
    if (socket.readyState !== socket.OPEN) return
    if (request === undefined) return socket.send(errorFrame('frame_invalid', liveErrors.frame_invalid))
    const what = 'runs' in request ? watchedList(request.runs.project) : request.run
    if (request.type === 'watch' && !watched.has(what) && watched.size >= MAX_WATCHES) {
      return socket.send(errorFrame('too_many_watches', liveErrors.too_many_watches))
    }
    if ('runs' in request) {
      const { project } = request.runs
      refuseProject(caller, reach, project)
      if (request.type === 'watch') {
        watched.add(what)
        return hub.watchRuns(reader, project)
      }
      watched.delete(what)
      return hub.unwatchRuns(reader, project)
    }
    if (request.type === 'unwatch') {
      watched.delete(what)
      return hub.unwatchRun(reader, request.run)
    }
    watched.add(what)
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

/** A list among what is watched; the id of a run has no blank. */
const watchedList = (project: string | undefined): string =>
  project === undefined ? 'all runs' : `runs of ${project}`

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
