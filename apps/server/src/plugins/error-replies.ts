import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, refusalOf, type RefusalCode } from '../errors.ts'
import { validationRefusal } from './validation-refusal.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The code of a body that the route's schema does not allow; `run_invalid` where a route says nothing. */
    invalid?: RefusalCode
  }
}

/** Every refusal and failure is sent in one error shape; details of a failure only go to the log. */
export function replyToErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request, reply) => answer(error, request, reply))
}

/** For refusals before any route is found. */
export function answer(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = asRefusal(error, request.routeOptions.config?.invalid ?? 'run_invalid')
  if (refusal.status >= 500 && refusal.code !== 'shutting_down') request.log.error({ err: error }, 'failed')
  if (refusal.retryAfter !== undefined) void reply.header('retry-after', String(refusal.retryAfter))
  return reply.status(refusal.status).send(refusal.body)
}

/** For bytes that are not an HTTP request. */
export function answerRaw(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const refusal = refusalOf(error) ?? new Refusal('request_invalid')
  const body = JSON.stringify(refusal.body)
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function asRefusal(error: FastifyError, invalid: RefusalCode): Refusal {
  if (error.validation !== undefined) return validationRefusal(error, invalid)
  // The client went away while it sent its body.
  if (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
    return new Refusal('request_invalid')
  return refusalOf(error) ?? new Refusal((error.statusCode ?? 500) < 500 ? 'request_invalid' : 'internal')
}
