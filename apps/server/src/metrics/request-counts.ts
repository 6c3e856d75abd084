import type { FastifyInstance } from 'fastify'

/** Requests answered, by method, route and status: cheap to count, read on request. */
export interface RequestCount {
  readonly method: string
  readonly route: string
  readonly status: number
  count: number
  /** Total seconds spent. */
  seconds: number
}

export class RequestCounts {
  readonly #counts = new Map<string, RequestCount>()

  /** Counts every request of this app from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onResponse', ({ method, routeOptions }, reply, done) => {
      this.#add(method, routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime / 1000)
      done()
    })
  }

  [Symbol.iterator](): Iterator<RequestCount> {
    return this.#counts.values()
  }

  #add(method: string, route: string, status: number, seconds: number): void {
    const key = `${method} ${status} ${route}`
    let entry = this.#counts.get(key)
    if (entry === undefined) {
      entry = { method, route, status, count: 0, seconds: 0 }
      this.#counts.set(key, entry)
    }
    entry.count++
    entry.seconds += seconds
  }
}
