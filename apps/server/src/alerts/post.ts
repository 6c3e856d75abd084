import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import { MAX_RESPONSE_BYTES } from '@normwatch/protocol'
import { AddressRefused, type Address, type AddressGuard } from './address-guard.ts'
import { bounded } from './messages/wording.ts'
import { orAborted } from './or-aborted.ts'
import type { Answer } from './retry-schedule.ts'

// An import of node:http evaluates all of its exports, which loads fetch and http2: 14 MB.
const { request: httpRequest } = process.getBuiltinModule('node:http')
const { request: httpsRequest } = process.getBuiltinModule('node:https')

export interface PostOptions {
  readonly guard: AddressGuard
  /** For everything together: name, connection, TLS, request and the first kilobyte of the answer. */
  readonly timeoutMs: number
  /** Aborts the request. */
  readonly signal: AbortSignal
}

/**
 * Posts JSON and returns the receiver's answer. Never rejects. Redirects are not followed; only the head and the first
 * kilobyte of the answer are read. The host is resolved once, and the guard checks the addresses that are connected to.
 */
export async function post(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  { guard, timeoutMs, signal }: PostOptions,
): Promise<Answer> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  try {
    const target = new URL(url)
    const addresses = await orAborted(guard.addressesOf(target.hostname), deadline)
    const response = await send(target, body, headers, addresses, guard, deadline)
    return answerOf(response, await firstKilobyte(response))
  } catch (error) {
    return {
      status: null,
      ok: false,
      error: sentence(error, signal, timeoutMs),
      body: null,
      retryAfter: null,
    }
  }
}

function send(
  target: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
  addresses: readonly Address[],
  guard: AddressGuard,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const lookup: LookupFunction = (_hostname, options, callback) => {
    const [first] = addresses
    if (options.all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
  return new Promise((resolve, reject) => {
    const request = target.protocol === 'https:' ? httpsRequest : httpRequest
    const outgoing = request(target, {
      method: 'POST',
      agent: false,
      lookup,
      signal,
      headers: {
        ...headers,
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(body),
        'accept-encoding': 'identity',
        'user-agent': 'Normwatch',
      },
    })
    outgoing.on('socket', (socket) => {
      // The final check: this is the address that was really connected to.
      socket.once('connect', () => {
        const address = socket.remoteAddress ?? ''
        if (!guard.permits(address)) outgoing.destroy(new AddressRefused(`${address} is not allowed.`))
      })
    })
    outgoing.on('response', resolve)
    outgoing.on('error', reject)
    // an answer of 101, of which Node tells neither a response nor an error, has no body
    outgoing.on('upgrade', (response, socket) => {
      socket.destroy()
      response.destroy()
      resolve(response)
    })
    // the request is over, whatever became of it: does nothing after an answer or an error
    outgoing.on('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
    outgoing.end(body)
  })
}

/** The body up to a kilobyte, its end, an error or the deadline: the status is already known. */
async function firstKilobyte(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= MAX_RESPONSE_BYTES) break
    }
  } catch {
    // An incomplete body does not change the status.
  }
  response.destroy()
  const kept = Buffer.concat(chunks).subarray(0, MAX_RESPONSE_BYTES)
  return new TextDecoder().decode(kept, { stream: true })
}

function answerOf(response: IncomingMessage, body: string): Answer {
  const status = response.statusCode ?? 0
  const ok = status >= 200 && status < 300
  const redirect = status >= 300 && status < 400 ? ' Redirects are not followed.' : ''
  return {
    status,
    ok,
    error: ok ? null : `The receiver answered ${status}.${redirect}`,
    body,
    retryAfter: response.headers['retry-after'] ?? null,
  }
}

const SENTENCES: Record<string, string> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  ECONNRESET: 'The receiver broke the connection off.',
  ENOTFOUND: 'The host name has no address.',
  EAI_AGAIN: 'The host name could not be resolved now.',
  EHOSTUNREACH: 'The receiver cannot be reached.',
  ENETUNREACH: 'The receiver cannot be reached.',
  ETIMEDOUT: 'The receiver did not take the connection.',
}

function sentence(error: unknown, stopped: AbortSignal, timeoutMs: number): string {
  if (!(error instanceof Error)) return 'The message could not be sent.'
  if (error instanceof AddressRefused) return error.message
  if (stopped.aborted) return 'The server stopped before an answer came.'
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return `No answer within ${timeoutMs / 1000} seconds.`
  }
  // Connecting to several addresses fails with one error for each of them.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const { code = '', message } = first as NodeJS.ErrnoException
  return SENTENCES[code] ?? bounded(`The connection failed: ${message || code}`, 300)
}
