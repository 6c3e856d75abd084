import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { halfCloseAfterAnswers } from './half-close.ts'

/** An upgrade to anything but a WebSocket, such as the `h2c` that some clients offer with every request, is ignored. */
export const isWebSocketUpgrade = ({ headers }: Pick<IncomingMessage, 'headers'>): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket'

/** Options of Node's server: what it would refuse itself with an empty reply is refused by `watchHttpEdges`. */
export const edgeOptions = { requireHostHeader: false, shouldUpgradeCallback: isWebSocketUpgrade }

/** Handles refusals that Node's HTTP server would send itself, so that each has the one error shape and reaches its client. */
export function watchHttpEdges(app: FastifyInstance): void {
  halfCloseAfterAnswers(app.server)
  app.addHook('onRequest', (request, _reply, done) => {
    const fault = hostFault(request)
    const { expect } = request.headers
    if (fault !== undefined) done(new Refusal('request_invalid', fault))
    else if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      done(new Refusal('expectation_failed'))
    else done()
  })
  // Without a listener Node answers by itself.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

function hostFault({ raw: { httpVersion, rawHeaders } }: FastifyRequest): string | undefined {
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) if (rawHeaders[i]?.toLowerCase() === 'host') hosts++
  if (hosts > 1) return 'The request has more than one Host header.'
  return hosts === 0 && httpVersion === '1.1' ? 'The request has no Host header.' : undefined
}
