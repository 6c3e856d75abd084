import { ServerError, UsageError } from './failures.ts'

const DEFAULT_URL = 'http://127.0.0.1:4280'

/** Parameters of a request; a list repeats its name, what is `undefined` is left out. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

export interface ServerOptions {
  readonly url: string
  readonly token: string | undefined
}

/** The server that a verb asks, over its HTTP API. Every failure is a `ServerError` with a sentence for people. */
export class Server {
  readonly url: string
  readonly #token: string | undefined

  constructor({ url, token }: ServerOptions) {
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
      throw new UsageError(`NORMWATCH_URL must be an http or https address; it is "${url}".`)
    }
    this.url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** The reply to `GET /api/v1{path}`, which is JSON. */
  async get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    const response = await this.open(path, query, signal)
    return (await response.json()) as T
  }

  /** The same with the body still to be read, as for an export. */
  async open(path: string, query: Query = {}, signal?: AbortSignal): Promise<Response> {
    const address = `${this.url}/api/v1${path}${search(query)}`
    const headers: Record<string, string> = {}
    if (this.#token !== undefined) headers['authorization'] = `Bearer ${this.#token}`
    let response: Response
    try {
      response = await fetch(address, { headers, redirect: 'manual', ...(signal && { signal }) })
    } catch (error) {
      throw new ServerError(`${this.url} does not answer (${reasonOf(error)}). Is the server running?`)
    }
    if (response.ok) return response
    throw await refusalOf(response, this.url)
  }
}

/** The server of `NORMWATCH_URL` and `NORMWATCH_TOKEN`. */
export function serverFromEnvironment(): Server {
  const variable = (name: string) => process.env[name]?.trim() || undefined
  return new Server({ url: variable('NORMWATCH_URL') ?? DEFAULT_URL, token: variable('NORMWATCH_TOKEN') })
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
    return [error.message, ...details.map(({ path, message }) => `  ${path}: ${message}`)].join('\n')
  } catch {
    return undefined
  }
}

/** The cause under fetch's own "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
