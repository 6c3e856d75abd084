import { setTimeout } from 'node:timers/promises'
import { DEFAULT_URL, fetchServer, findOwnServer, isServerAddress, otherUserOn } from '@normwatch/sdk/reach'
import { ServerError, UsageError } from './failures.ts'
import { requestJson, type JsonRequest, type Reply } from './json-request.ts'

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
    return this.#contentOf<T>(await this.#ask(path + search(query), { method: 'GET', signal }))
  }

  /** Sends a JSON body and gives the reply. A busy server is asked again, for at most a minute. */
  async send<T>(
    method: 'PUT' | 'POST' | 'PATCH',
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
  ): Promise<T> {
    for (let tries = 0; ; tries++) {
      const reply = await this.#ask(path, { method, body })
      const isBusy = reply.status === 429 || reply.status === 503
      if (!isBusy || tries === MAX_TRIES) return this.#contentOf<T>(reply)
      await setTimeout(Math.min(10, Math.max(0.1, reply.retryAfter ?? 1)) * 1000)
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
    const reply = await this.#ask(path, { method: 'DELETE' })
    if (reply.status === 403) return false
    if (!isOk(reply)) throw refusalOf(reply, this.url)
    return true
  }

  /** The reply to a GET with the body still to be read, as for an export. */
  async open(path: string, query: Query = {}): Promise<Response> {
    const address = `${this.url}/api/v1${path}${search(query)}`
    const init = { headers: this.#headers, redirect: 'manual' } as const
    const response = await fetchServer(address, init).catch((error: unknown) => this.#fail(error))
    if (response.ok) return response
    const text = await response.text().catch(() => '')
    throw refusalOf({ status: response.status, text }, this.url)
  }

  get #headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
  }

  #ask(path: string, request: Omit<JsonRequest, 'headers'>): Promise<Reply> {
    const whole = { ...request, headers: this.#headers }
    return requestJson(`${this.url}/api/v1${path}`, whole).catch((error: unknown) => this.#fail(error))
  }

  #contentOf<T>(reply: Reply): T {
    if (!isOk(reply)) throw refusalOf(reply, this.url)
    return JSON.parse(reply.text) as T
  }

  #fail(error: unknown): never {
    throw new ServerError(`${this.url} does not answer (${reasonOf(error)}). Is the server running?`)
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

function isOk({ status }: Reply): boolean {
  return status >= 200 && status < 300
}

function refusalOf({ status, text }: Omit<Reply, 'retryAfter'>, url: string): ServerError {
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

/** The socket's reason, which fetch hides behind its "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, code, message } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? code ?? message
}
