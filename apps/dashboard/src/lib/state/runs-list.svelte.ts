import type { LiveFrame, Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { matches, NO_FILTERS, queryOf, rank, type Filters } from '#lib/state/filters.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'
import { reorder } from '#lib/state/row-order.ts'

const PAGE = 100

/** The rows of the runs page: fetched page by page, kept current by the live connection, in an order that holds still while asked to. */
export class RunsList {
  readonly #api: Api
  #filters = NO_FILTERS
  #abort = new AbortController()
  #runs = $state.raw<ReadonlyMap<string, Run>>(new Map())
  #order = $state.raw<readonly string[]>([])
  #ranks: ReadonlyMap<string, number> = new Map()
  #cursor: string | null = null
  #phase = $state<'loading' | 'ready' | 'more' | 'failed'>('loading')
  #failure = $state('')
  #isHeld = false
  #frame = 0
  readonly #arrived = new Map<string, Run | undefined>()

  constructor(api: Api) {
    this.#api = api
  }

  get rows(): readonly Run[] {
    return this.#order.flatMap((id) => this.#runs.get(id) ?? [])
  }
  get phase() {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }
  /** Whether the server has more rows than these. */
  get hasMore(): boolean {
    return this.#phase !== 'loading' && this.#cursor !== null
  }

  /** Shows the runs that pass the filters; the rows there are stay until the first new ones come. */
  async show(filters: Filters): Promise<void> {
    this.#filters = filters
    this.#cursor = null
    await this.#fetch('loading')
  }

  /** Fetches everything on show again, as after a lost connection. */
  refresh = (): Promise<void> => this.show(this.#filters)

  /** Fetches the next page, unless one is under way. */
  async more(): Promise<void> {
    if (this.#phase === 'ready' && this.#cursor !== null) await this.#fetch('more')
  }

  /** While held, rows are updated in place and keep their places: nothing moves under a pointer. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld) this.#arrange()
  }

  /** Follows the live connection until the returned function is called. */
  follow(connection: LiveConnection): () => void {
    const listener = { frame: (frame: LiveFrame) => this.#accept(frame), missed: () => void this.refresh() }
    const stop = connection.watch({ runs: {} }, listener)
    return () => {
      stop()
      cancelAnimationFrame(this.#frame)
      this.#abort.abort()
    }
  }

  async #fetch(phase: 'loading' | 'more'): Promise<void> {
    this.#abort.abort()
    this.#abort = new AbortController()
    const { signal } = this.#abort
    this.#phase = phase
    const query = queryOf(this.#filters)
    query.set('limit', String(PAGE))
    if (this.#cursor !== null) query.set('cursor', this.#cursor)
    try {
      const page = await this.#api.listRuns(query, signal)
      if (signal.aborted) return
      const fetched = page.runs.map((run) => [run.id, run] as const)
      this.#runs = new Map(phase === 'more' ? [...this.#runs, ...fetched] : fetched)
      this.#order = [...new Set([...(phase === 'more' ? this.#order : []), ...page.runs.map(({ id }) => id)])]
      this.#ranks = ranksOf(this.#runs)
      this.#cursor = page.next_cursor
      this.#phase = 'ready'
    } catch (error) {
      if (signal.aborted) return
      this.#failure = sentenceOf(error)
      this.#phase = 'failed'
    }
  }

  #accept(frame: LiveFrame): void {
    if (frame.type === 'run') this.#arrived.set(frame.run.id, frame.run)
    else if (frame.type === 'gap' && frame.reason === 'deleted') this.#arrived.set(frame.run, undefined)
    else return
    this.#frame ||= requestAnimationFrame(() => this.#apply())
  }

  /** Takes in what arrived since the last picture: many frames cost one drawing, and a hidden tab draws nothing. */
  #apply(): void {
    this.#frame = 0
    const runs = new Map(this.#runs)
    for (const [id, run] of this.#arrived) {
      if (run !== undefined && (runs.has(id) || matches(run, this.#filters))) runs.set(id, run)
      else runs.delete(id)
    }
    this.#arrived.clear()
    this.#runs = runs
    if (!this.#isHeld) this.#arrange()
  }

  #arrange(): void {
    const kept = [...this.#runs].filter(([, run]) => matches(run, this.#filters))
    if (kept.length !== this.#runs.size) this.#runs = new Map(kept)
    const order = reorder(this.#order, this.#ranks, this.#runs)
    if (order.length !== this.#order.length || order.some((id, i) => id !== this.#order[i]))
      this.#order = order
    this.#ranks = ranksOf(this.#runs)
  }
}

function ranksOf(runs: ReadonlyMap<string, Run>): Map<string, number> {
  return new Map([...runs].map(([id, run]) => [id, rank(run)]))
}
