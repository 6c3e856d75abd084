import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

/** Milliseconds that requests under way get to end. */
const GRACE_MS = 5_000
/** Milliseconds after which what is still connected is cut, and cut again while some were about to connect. */
const CUT_EVERY_MS = 100

/**
 * Graceful shutdown: new requests are refused at once (try again later); running ones may finish,
 * within a bound; then every connection is closed, also idle ones that a browser has opened in advance.
 */
export function closeGracefully(app: FastifyInstance): void {
  const idle = Promise.withResolvers<void>()
  let isClosing = false
  let open = 0
  let cutting: NodeJS.Timeout | undefined
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.ws) {
      open++
      reply.raw.once('close', () => {
        if (--open === 0 && isClosing) idle.resolve()
      })
    }
    done(isClosing ? new Refusal('shutting_down') : undefined)
  })
  app.addHook('preClose', async () => {
    isClosing = true
    if (open === 0) idle.resolve()
    setTimeout(idle.resolve, GRACE_MS).unref()
    void idle.promise.then(() => (cutting = setInterval(cut, CUT_EVERY_MS)))
  })
  app.addHook('onClose', async () => clearInterval(cutting))

  function cut(): void {
    app.server.closeAllConnections()
    for (const socket of app.websocketServer.clients) socket.terminate()
  }
}
