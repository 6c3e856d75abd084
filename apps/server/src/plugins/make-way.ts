import type { FastifyInstance, FastifyRequest } from 'fastify'
import { requestEnds, shortRequestBegins } from '../in-slices.ts'
import { isWebSocketUpgrade } from './http-edges.ts'

/** A body of more bytes is long: it makes way for requests with less, and the rest of one that is refused is not read. */
export const LONG_BYTES = 64 * 1024

/** Lets short requests be answered between the pieces of long bodies and the slices of other long work. */
export function makeWayForShortRequests(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (!hasLongBody(request) && !isWebSocketUpgrade(request)) shortRequestBegins(request)
    done()
  })
  app.addHook('onResponse', (request, _reply, done) => {
    requestEnds(request)
    done()
  })
  // Node would read up to 2 MiB of a body in one turn.
  app.addHook('preParsing', (request, _reply, body, done) => {
    if (hasLongBody(request)) {
      body.on('data', () => {
        body.pause()
        setImmediate(() => body.resume())
      })
    }
    done(null, body)
  })
}

/** Whether the request has a body of more bytes, or one of unknown length. */
export function hasLongBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > LONG_BYTES
}
