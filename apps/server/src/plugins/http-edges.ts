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
  app.addHook('onRequest', async (request) => {
    const fault = hostFault(request)
    if (fault !== undefined) throw new Refusal('request_invalid', fault)
    const { expect } = request.headers
    if (expect !== undefined && expect.toLowerCase() !== '100-continue')
      throw new Refusal('expectation_failed')
  })
  // Without a listener Node answers by itself.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
}

function hostFault({ raw: { httpVersion, rawHeaders } }: FastifyRequest): string | undefined {
  const hosts = rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length
  if (hosts > 1) return 'The request has more than one Host header.'
  return hosts === 0 && httpVersion === '1.1' ? 'The request has no Host header.' : undefined
}
