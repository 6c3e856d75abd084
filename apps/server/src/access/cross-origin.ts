import type { FastifyReply, FastifyRequest } from 'fastify'
import { routeRules, ruleFor, type RouteRule } from './route-rules.ts'

/** Headers that a page may send with a request or read from its reply, besides those that every page may. */
const REQUEST_HEADERS = 'authorization, content-type, content-encoding'
const REPLY_HEADERS = 'retry-after, x-request-id'
/** Seconds that a browser keeps the answer to a preflight. */
const MAX_AGE = '600'

const isForWriting = (rule: RouteRule): boolean => rule.for === 'write' || rule.for === 'read or write'

/**
 * Pages of the configured origins may use only the routes that record runs: those of the scope `write`. No
 * cookie goes with it (`access-control-allow-credentials` is never sent), so a page needs a token if the server requires one.
 */
export class CrossOrigin {
  readonly #origins: ReadonlySet<string>
  /** Methods and paths that may be asked for. */
  readonly #routes: readonly { readonly method: string; readonly path: RegExp }[]

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins)
    this.#routes = Object.entries(routeRules)
      .filter(([, rule]) => isForWriting(rule))
      .map(([route]) => {
        const [method = '', pattern = ''] = route.split(' ')
        return { method, path: new RegExp(`^${pattern.replaceAll(/:\w+/g, '[^/]+')}$`) }
      })
  }

  /** Whether the request comes from a page that may make it; then the page may read every reply. */
  admits(request: FastifyRequest, reply: FastifyReply): boolean {
    if (!this.#isNamed(request) || request.is404) return false
    if (!isForWriting(ruleFor(request.method, request.routeOptions.url ?? ''))) return false
    this.#letRead(request, reply)
    return true
  }

  /** Answers a browser that asks whether a page may make a request; returns whether it did. */
  answersPreflight(request: FastifyRequest, reply: FastifyReply): boolean {
    const method = request.headers['access-control-request-method']
    if (request.method !== 'OPTIONS' || method === undefined || !this.#isNamed(request)) return false
    const [path = ''] = request.url.split('?')
    if (!this.#routes.some((route) => route.method === method && route.path.test(path))) return false
    this.#letRead(request, reply)
    void reply
      .status(204)
      .headers({
        'access-control-allow-methods': method,
        'access-control-allow-headers': REQUEST_HEADERS,
        'access-control-max-age': MAX_AGE,
      })
      .send()
    return true
  }

  #isNamed({ headers: { origin } }: FastifyRequest): boolean {
    return origin !== undefined && this.#origins.has(origin)
  }

  #letRead({ headers: { origin } }: FastifyRequest, reply: FastifyReply): void {
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': REPLY_HEADERS,
      vary: 'origin',
    })
  }
}
