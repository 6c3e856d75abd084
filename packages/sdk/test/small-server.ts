import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { parsePoints } from '@normwatch/protocol'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** `undefined` if it is not JSON. */
  readonly body: unknown
}

interface Answered {
  readonly status: number
  readonly body?: string
  readonly headers?: Record<string, string>
}
/** What a small server does instead of its normal answer: another reply or a cut connection, before or after storing. */
export type Answer = Answered | 'hang up' | 'work, then hang up'
/** Returns `undefined` for the normal answer. A promise delays the answer. */
type Misbehaviour = Answer | undefined | Promise<Answer | undefined>

/**
 * A real HTTP server that stores runs and points by the wire contract (it uses the protocol's parser) and misbehaves on
 * demand.
 */
export class SmallServer {
  readonly requests: SeenRequest[] = []
  /** Fields and changes of each run, in the order received. */
  readonly runs = new Map<string, unknown[]>()
  /** Readings by step and metric of each run. */
  readonly points = new Map<string, Map<number, Record<string, number>>>()
  /** Points accepted, including repeated ones. */
  taken = 0
  misbehave: (request: SeenRequest, number: number) => Misbehaviour = () => undefined
  readonly #server = createServer((request, response) => this.#receive(request, response))

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async listen(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  /** Steps of a run with their readings, in step order. */
  steps(run: string): [number, Record<string, number>][] {
    return [...(this.points.get(run) ?? [])].sort(([a], [b]) => a - b)
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', async () => {
      const { method = '', url: path = '', headers } = request
      const raw = Buffer.concat(parts)
      const text = headers['content-encoding'] === 'gzip' ? gunzipSync(raw).toString() : raw.toString()
      const seen = { method, path, headers, body: parseJson(text) }
      this.requests.push(seen)
      const misbehaviour = await this.misbehave(seen, this.requests.length)
      if (misbehaviour === 'work, then hang up') this.#answer(seen)
      if (typeof misbehaviour === 'string') return void request.socket.destroy()
      const answer = misbehaviour ?? this.#answer(seen)
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
      response.end(answer.body ?? '{}')
    })
  }

  #answer({ method, path, body }: SeenRequest): Answered {
    const [, run = '', isPoints] = /^\/api\/v1\/runs\/([^/]+)(\/points|\/events)?$/.exec(path) ?? []
    if (method === 'PUT') {
      const known = this.runs.get(run)
      this.runs.set(run, [...(known ?? []), body])
      return { status: known === undefined ? 201 : 200, body: JSON.stringify({ id: run }) }
    }
    const changes = this.runs.get(run)
    if (changes === undefined) return refusal(404, 'run_not_found', `There is no run "${run}".`)
    if (method === 'PATCH') {
      changes.push(body)
      const { truncate_after: last } = body as { truncate_after?: number }
      for (const [step] of this.steps(run))
        if (last !== undefined && step > last) this.points.get(run)?.delete(step)
      return { status: 200, body: JSON.stringify({ id: run }) }
    }
    const { events } = body as { events?: unknown[] }
    if (path.endsWith('/events')) return { status: 200, body: JSON.stringify({ accepted: events?.length }) }
    return isPoints === undefined ? refusal(404, 'not_found', 'Nothing is here.') : this.#take(run, body)
  }

  #take(run: string, body: unknown): Answered {
    const parsed = parsePoints(body)
    if (!parsed.ok) return refusal(400, 'points_invalid', JSON.stringify(parsed.details))
    const points = this.points.get(run) ?? new Map<number, Record<string, number>>()
    this.points.set(run, points)
    const { step, metrics } = parsed.columns
    this.taken += step.length
    step.forEach((at, row) => {
      const readings = points.get(at) ?? {}
      points.set(at, readings)
      for (const [name, { values, present }] of metrics) {
        if (present === null || present[row] === 1) readings[name] = values[row] as number
      }
    })
    return { status: 200, body: JSON.stringify({ accepted: step.length, last_step: step.at(-1) ?? null }) }
  }
}

export function refusal(status: number, code: string, message: string): { status: number; body: string } {
  return { status, body: JSON.stringify({ error: { code, message, details: [] } }) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
