import { Readable } from 'node:stream'
import type { ErrorReply } from '@normwatch/protocol'
import type { Access } from '../access/access.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Bytes of a message: a call of a tool has a few hundred. */
const MAX_BODY = 64 * 1024
/** Headers of a message that the protocol knows. */
const KNOWN = /^(accept|content-type|mcp-.*)$/

/**
 * `/mcp`: the Model Context Protocol over streamable HTTP. Each tool asks the API as the caller of the request, so it may
 * see what the caller may see. Its code is loaded with the first request.
 */
export function mcpRoute({ identityHeaders }: Pick<Access, 'identityHeaders'>) {
  return async (app: FastifyInstance): Promise<void> => {
    app.route({
      method: ['POST', 'GET', 'DELETE'],
      url: '/mcp',
      bodyLimit: MAX_BODY,
      // it speaks JSON-RPC, which its own handshake describes
      schema: { hide: true },
      handler: async (request, reply) => {
        const { answerOverHttp } = await import('../mcp/over-http.ts')
        const gone = new AbortController()
        reply.raw.once('close', () => gone.abort())
        const known = Object.entries(request.headers).filter(([name]) => KNOWN.test(name))
        const response = await answerOverHttp(asCallerOf(request, gone.signal), {
          method: request.method,
          headers: new Headers(known as [string, string][]),
          body: request.body,
          signal: gone.signal,
        })
        return send(reply, response)
      },
    })

    function asCallerOf({ headers, ip, socket }: FastifyRequest, signal: AbortSignal) {
      const identity = identityHeaders.flatMap((name) =>
        headers[name] === undefined ? [] : [[name, headers[name]]],
      )
      return async <T>(path: string, query: object = {}): Promise<T> => {
        const given = Object.entries(query).filter(([, value]) => value !== undefined)
        const reply = await app.inject({
          url: `/api/v1${path}`,
          query: Object.fromEntries(given) as Record<string, string | string[]>,
          headers: Object.fromEntries(identity) as Record<string, string>,
          signal,
          remoteAddress: socket.remoteAddress ?? ip,
        })
        if (reply.statusCode < 300) return reply.json<T>()
        const { message, details } = reply.json<ErrorReply>().error
        throw new Error([message, ...details.map((one) => `${one.path}: ${one.message}`)].join('\n'))
      }
    }
  }
}

function send(reply: FastifyReply, { status, headers, body }: Response): FastifyReply {
  headers.forEach((value, name) => void reply.header(name, value))
  return reply.status(status).send(body === null ? null : Readable.fromWeb(body as never))
}
