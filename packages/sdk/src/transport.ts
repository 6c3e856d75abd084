import { readErrorReply } from './error-reply.ts'
import { textOf } from './error-text.ts'
import { readRetryAfter, type Outcome } from './retry.ts'

export interface ApiRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH'
  /** Below the server's address, such as `/api/v1/runs/x`. */
  readonly path: string
  readonly body: unknown
  /** A field that Normwatch's answer has. A 2xx without it came from something else, such as a gateway's error page. */
  readonly answer: 'id' | 'accepted'
}

/** An outcome, with a message for people: the server's message, or why there was no reply. */
type Reply = { readonly outcome: Outcome; readonly words: string }

/** Sends one request once. Never rejects. */
export type Transport = (request: ApiRequest, signal: AbortSignal) => Promise<Reply>

export interface TransportOptions {
  readonly url: string
  readonly token: string | undefined
  readonly fetch: typeof fetch
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const TIMEOUT_MS = 15_000
/** Smaller bodies gain nothing from compression. */
const GZIP_FROM_CHARACTERS = 16 * 1024
const MAX_WORDS = 300
/** More than any answer of the server, even for a run whose configuration is as large as a request may be. */
const MAX_ANSWER_CHARACTERS = 16 * 1024 * 1024
/** Browsers accept at most 64 KiB at once with `keepalive`, and a character may take three bytes. */
const KEEPALIVE_CHARACTERS = 16 * 1024

export function createTransport({ url, token, fetch, now }: TransportOptions): Transport {
  return async ({ method, path, body, answer }, signal) => {
    try {
      const text = JSON.stringify(body)
      const headers = new Headers({ 'content-type': 'application/json' })
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      let payload: string | ArrayBuffer = text
      if (text.length >= GZIP_FROM_CHARACTERS && typeof CompressionStream === 'function') {
        payload = await gzip(text)
        headers.set('content-encoding', 'gzip')
      }
      const response = await fetch(url + path, {
        method,
        headers,
        body: payload,
        redirect: 'manual',
        // lets small requests complete after the page is closed
        keepalive: text.length < KEEPALIVE_CHARACTERS,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      return await readReply(response, answer, now())
    } catch (error) {
      return { outcome: { kind: 'no_reply' }, words: inOneLine(reasonOf(error)) }
    }
  }
}

async function gzip(text: string): Promise<ArrayBuffer> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'))
  return new Response(stream).arrayBuffer()
}

async function readReply(response: Response, answer: ApiRequest['answer'], now: number): Promise<Reply> {
  const text = await readText(response)
  const json = parseObject(text)
  const error = readErrorReply(json)
  const retryAfter = readRetryAfter(response.headers.get('retry-after'), now)
  const outcome: Outcome = {
    kind: 'reply',
    status: response.status,
    readable: json !== undefined && (!response.ok || json[answer] !== undefined),
    ...(error !== undefined && { code: error.code }),
    ...(retryAfter !== null && { retry_after_ms: retryAfter }),
  }
  const words = error?.message ?? redirectOf(response) ?? text.trim()
  return { outcome, words: inOneLine(words) }
}

/** Redirects are not followed: a token must not be sent to another address, and a redirected POST may become a GET. */
function redirectOf({ status, headers }: Response): string | undefined {
  const location = status >= 300 && status < 400 ? headers.get('location') : null
  return location === null ? undefined : `redirects to ${location}: use the address of the server itself`
}

/** Reads the answer. Rejects an answer that is too long to be Normwatch's, before it fills memory. */
async function readText(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    text += decoder.decode(part.value, { stream: true })
    if (text.length <= MAX_ANSWER_CHARACTERS) continue
    await reader?.cancel()
    throw new Error('the answer is too long')
  }
  return text + decoder.decode()
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function inOneLine(words: string): string {
  return words.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_WORDS)
}

/** The reason behind fetch's "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return textOf(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return cause.message !== '' ? cause.message : ((cause as NodeJS.ErrnoException).code ?? error.message)
}
