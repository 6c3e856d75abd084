import type { Run } from '@normwatch/protocol'
import type { ImportApi } from '../src/index.ts'

interface PointsBody {
  readonly columns: { readonly step: number[] } & Record<string, (number | string | null)[]>
}

/** Stands in for a server: keeps what an import sends of each run. Of a step that is sent again the later readings stay. */
export class KeptRuns implements ImportApi {
  readonly statuses = new Map<string, string>()
  readonly #readings = new Map<string, Map<number, Record<string, unknown>>>()

  /** A run's readings of a metric, by step. */
  readings(run: string, metric: string): [step: number, value: unknown][] {
    return [...(this.#readings.get(run) ?? [])].map(([step, row]) => [step, row[metric]])
  }

  get runs(): string[] {
    return [...this.statuses.keys()]
  }

  async find<Reply>(path: string): Promise<Reply | undefined> {
    if (path === '/session') return {} as Reply
    const [, , id = ''] = path.split('/')
    return this.#runOf(id) as Reply | undefined
  }

  async send<Reply>(method: string, path: string, body: string | Uint8Array): Promise<Reply> {
    const [, , id = '', what] = path.split('/')
    const sent = JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body)) as unknown
    if (what === 'points') this.#keep(id, sent as PointsBody)
    else if (method === 'PATCH') this.statuses.set(id, (sent as { status?: string }).status ?? 'running')
    else if (method === 'PUT' && !this.statuses.has(id)) this.statuses.set(id, 'running')
    return this.#runOf(id) as Reply
  }

  async remove(path: string): Promise<boolean> {
    return this.statuses.delete(path.split('/')[2] ?? '')
  }

  #runOf(id: string): Partial<Run> | undefined {
    const status = this.statuses.get(id)
    if (status === undefined) return undefined
    const steps = [...(this.#readings.get(id)?.keys() ?? [])]
    return { id, status: status as Run['status'], points: steps.length, last_step: Math.max(-1, ...steps) }
  }

  #keep(id: string, { columns }: PointsBody): void {
    const rows = this.#readings.get(id) ?? new Map<number, Record<string, unknown>>()
    this.#readings.set(id, rows)
    for (const [i, step] of columns.step.entries()) {
      const given = Object.entries(columns).filter(([name, column]) => name !== 'step' && column[i] != null)
      rows.set(step, {
        ...rows.get(step),
        ...Object.fromEntries(given.map(([name, column]) => [name, column[i]])),
      })
    }
  }
}
