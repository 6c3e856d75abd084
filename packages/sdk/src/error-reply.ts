import type { ErrorReply } from '@normwatch/protocol'

/** Every code of Normwatch is a word like this, also those of servers newer than this SDK. */
const CODE = /^[a-z][a-z0-9_]*$/

/**
 * The error of a body, if the body has the form of Normwatch's error replies. Gateways answer with errors too, but in other
 * forms. Their errors say nothing about the request, so they must not count as refusals.
 */
export function readErrorReply(body: unknown): ErrorReply['error'] | undefined {
  const error = field(body, 'error')
  const code = field(error, 'code')
  const details = field(error, 'details')
  const isOurs =
    isText(code) &&
    CODE.test(code) &&
    isText(field(error, 'message')) &&
    Array.isArray(details) &&
    details.every((detail) => isText(field(detail, 'path')) && isText(field(detail, 'message')))
  return isOurs ? (error as ErrorReply['error']) : undefined
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
