import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

/** From the moment the service begins to close, new requests are told to come back; those under way end as usual. */
export function refuseWhileClosing(app: FastifyInstance): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onRequest', (_request, _reply, done) => {
    done(isClosing ? new Refusal('shutting_down') : undefined)
  })
}
