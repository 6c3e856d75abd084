import type { Socket } from 'node:net'
import type { ErrorDetail } from '@normwatch/protocol'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AddressRefused } from '../alerts/address-guard.ts'
import { TooManyTests } from '../alerts/alerts.ts'
import { ChannelAddressInvalid } from '../alerts/channel-address.ts'
import { Refusal, type RefusalCode } from '../errors.ts'
import { SettingsRefused } from '../ingest/run-settings.ts'
import { ChannelNotFound, DeliveryNotFound, MuteNotFound, TooManyAlertRules } from '../storage/alert-store.ts'
import { BadCursor, RunNotFound, StoreUnavailable, TooManyMetrics } from '../storage/store.ts'
import { TokenNotFound, TooManyTokens } from '../storage/token-store.ts'
import { validationRefusal } from './validation-refusal.ts'

/** What the framework and Node refuse by themselves, in our words. */
const frameworkCodes: Readonly<Record<string, RefusalCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request_invalid',
  FST_ERR_BAD_URL: 'request_invalid',
  FST_ERR_MAX_PARAM_LENGTH: 'request_invalid',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/** Errors of the rooms below whose own words say it all. */
const knownErrors = [
  [ChannelNotFound, 'channel_not_found'],
  [DeliveryNotFound, 'delivery_not_found'],
  [MuteNotFound, 'mute_not_found'],
  [TooManyAlertRules, 'too_many_alert_rules'],
  [TooManyTests, 'too_many_tests'],
  [TokenNotFound, 'token_not_found'],
  [TooManyTokens, 'too_many_tokens'],
] as const

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The code of a body that the route's schema does not allow; `run_invalid` where a route says nothing. */
    invalid?: RefusalCode
  }
}

/** Every refusal and failure leaves in the one error shape; the words of a failure stay in the log. */
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

/** For bytes that are no request at all. */
export function answerRaw(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const refusal = new Refusal(frameworkCodes[error.code ?? ''] ?? 'request_invalid')
  const body = JSON.stringify(refusal.body)
  socket.end(
    `HTTP/1.1 ${refusal.status} Refused\r\nconnection: close\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

function asRefusal(error: FastifyError, invalid: RefusalCode): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof RunNotFound) return new Refusal('run_not_found', `${error.message} Create it first.`)
  if (error instanceof TooManyMetrics) return new Refusal('too_many_metrics', error.message)
  if (error instanceof BadCursor) {
    return new Refusal('cursor_invalid', undefined, [detail('cursor', error.message)])
  }
  if (error instanceof SettingsRefused) {
    const [first] = error.faults
    return new Refusal('settings_invalid', `${first?.path} ${first?.message}.`.trim(), error.faults)
  }
  if (error instanceof ChannelAddressInvalid) return wrongUrl('channel_invalid', error)
  if (error instanceof AddressRefused) return wrongUrl('channel_address_refused', error)
  const known = knownErrors.find(([kind]) => error instanceof kind)
  if (known !== undefined) return new Refusal(known[1], error.message === '' ? undefined : error.message)
  if (error instanceof StoreUnavailable) return new Refusal('store_unavailable', error.message)
  if (error.validation !== undefined) return validationRefusal(error, invalid)
  const code = frameworkCodes[error.code]
  if (code !== undefined) return new Refusal(code)
  return new Refusal((error.statusCode ?? 500) < 500 ? 'request_invalid' : 'internal')
}

function wrongUrl(code: RefusalCode, { message }: Error): Refusal {
  return new Refusal(code, message, [detail('/url', message)])
}

function detail(path: string, message: string): ErrorDetail {
  return { path, message }
}
