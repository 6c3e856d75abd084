import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'

/** An id that identifies a request in the log and in its reply. */
export const requestId = (): string => randomUUID()

/** Anything that looks like a token, even one pasted into an address. */
const TOKENS = /nw(?:_|%5f)[\w%-]+/gi

/** What orchestrators ask every few seconds: said at level `debug` while all is well. */
const PROBES = ['/healthz', '/readyz']

const LEVELS_WITH_REQUESTS = ['info', 'debug', 'trace']

/**
 * One line a request at level `info`, when it was answered: no header, no query and no body, so that no secret can be
 * in it. Each reply carries the id of its line as `x-request-id`.
 */
export function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', ({ id }, reply, done) => {
    reply.header('x-request-id', id)
    done()
  })
  if (!LEVELS_WITH_REQUESTS.includes(app.log.level)) return
  app.addHook('onResponse', async (request, reply) => {
    const { method, url, ip, caller } = request
    const path = url.split('?', 1)[0] ?? ''
    const isQuiet = PROBES.includes(path) && reply.statusCode === 200
    request.log[isQuiet ? 'debug' : 'info'](
      {
        method,
        path: path.replaceAll(TOKENS, 'nw_…'),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ip,
        token: caller?.via === 'nothing' ? undefined : caller?.id,
      },
      'answered',
    )
  })
}
