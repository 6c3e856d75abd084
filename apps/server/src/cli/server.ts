import { setTimeout } from 'node:timers/promises'
import { DEFAULT_URL, fetchServer, findOwnServer, isServerAddress, otherUserOn } from '@normwatch/sdk/reach'
import { ServerError, UsageError } from './failures.ts'

/** Retries while the server is busy. */
const MAX_TRIES = 30

/** Parameters of a request; a list repeats its name, what is `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

export interface ServerOptions {
  readonly url: string
  readonly token: string | undefined
}

/** The server that a verb uses, over its HTTP API. Every failure is a `ServerError` with a readable message. */
export class Server {
  readonly url: string
  readonly #token: string | undefined

  constructor({ url, token }: ServerOptions) {
    if (!isServerAddress(url)) {
      throw new UsageError(`NORMWATCH_URL must be an http or https address, or unix:/path; it is "${url}".`)
    }
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** The reply to `GET /api/v1{path}`, which is JSON. */
  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const response = await this.open(path, query, signal)
    return (await response.json()) as T
  }

  /** Sends a JSON body and gives the reply. A busy server is asked again, for at most a minute. */
  async send<T>(method: 'PUT' | 'POST' | 'PATCH', path: string, body: string): Promise<T> {
    for (let tries = 0; ; tries++) {
      const response = await this.#ask(path, {
        method,
        body,
        headers: { 'content-type': 'application/json' },
      })
      if (response.ok) return (await response.json()) as T
      const isBusy = response.status === 429 || response.status === 503
      if (!isBusy || tries === MAX_TRIES) throw await refusalOf(response, this.url)
      await response.body?.cancel()
      const seconds = Number(response.headers.get('retry-after') ?? 1)
      await setTimeout(Math.min(10, Math.max(0.1, seconds)) * 1000)
    }
  }

  /** The reply to a GET, or `undefined` if it does not exist (404). */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.get<T>(path)
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) return undefined
      throw error
    }
  }

  /** Deletes; `false` if the token does not allow it (403). */
  async remove(path: string): Promise<boolean> {
    const response = await this.#ask(path, { method: 'DELETE' })
    if (response.ok) return true
    if (response.status === 403) return false
    throw await refusalOf(response, this.url)
  }

  /** The same with the body still to be read, as for an export. */
  async open(path: string, query: Query = {}, signal?: AbortSignal): Promise<Response> {
    const response = await this.#ask(`${path}${search(query)}`, signal && { signal })
    if (response.ok) return response
    throw await refusalOf(response, this.url)
  }

  async #ask(path: string, request: RequestInit = {}): Promise<Response> {
    const headers = new Headers(request.headers)
    if (this.#token !== undefined) headers.set('authorization', `Bearer ${this.#token}`)
    try {
      return await fetchServer(`${this.url}/api/v1${path}`, { ...request, headers, redirect: 'manual' })
    } catch (error) {
      throw new ServerError(`${this.url} does not answer (${reasonOf(error)}). Is the server running?`)
    }
  }
}

/** The server of `NORMWATCH_URL` and `NORMWATCH_TOKEN`, else this user's own, else the one on the default address. */
export function serverFromEnvironment(): Server {
  const variable = (name: string) => process.env[name]?.trim() || undefined
  const named = variable('NORMWATCH_URL')
  const own = findOwnServer(process.env, (sentence) => console.error(sentence))
  const url = named ?? own?.url ?? DEFAULT_URL
  const otherUser = named === undefined && own === undefined ? otherUserOn(url) : undefined
  if (otherUser !== undefined) {
    throw new ServerError(`The user ${otherUser} listens on ${url}; name your server in NORMWATCH_URL.`)
  }
  return new Server({ url, token: variable('NORMWATCH_TOKEN') ?? (url === own?.url ? own.token : undefined) })
}

function search(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parameters.append(name, String(one))
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}

async function refusalOf(response: Response, url: string): Promise<ServerError> {
  const text = await response.text().catch(() => '')
  const { status } = response
  if (status === 401) {
    const message = process.env['NORMWATCH_TOKEN']
      ? `${url} does not know the token in NORMWATCH_TOKEN.`
      : `${url} asks for a token: put one with the scope read into NORMWATCH_TOKEN.`
    return new ServerError(message, status)
  }
  return new ServerError(errorMessage(text) ?? `${url} answered ${status}, not as Normwatch does.`, status)
}

/** The sentence in the body of a refusal; `undefined` when something else than Normwatch answered. */
function errorMessage(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; details?: unknown } }
    if (typeof error?.message !== 'string') return undefined
    const details = Array.isArray(error.details) ? (error.details as { path: string; message: string }[]) : []
    // a single fault is the message itself
    const faults = details.length < 2 ? [] : details.map(({ path, message }) => `  ${path}: ${message}`)
    return [error.message, ...faults].join('\n')
  } catch {
    return undefined
  }
}

/** The cause behind fetch's "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
