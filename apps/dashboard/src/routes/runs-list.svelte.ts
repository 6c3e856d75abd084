import type { LiveFrame, Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { NO_FILTERS, queryOf, type Filters } from '#lib/state/filters.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'
import { RowTable, type RowChange } from './row-table.ts'

const PAGE = 100

/** The rows of the runs page: fetched page by page, kept current by the live connection, in an order that holds still while asked to. */
export class RunsList {
  readonly #api: Api
  #filters = NO_FILTERS
  #table = $state.raw(RowTable.empty)
  #phase = $state<'loading' | 'ready' | 'more' | 'failed'>('loading')
  #failure = $state('')
  #cursor: string | null = null
  #abort = new AbortController()
  #isHeld = false
  #frame = 0
  #changes: RowChange[] = []
  /** What came live while a page was being fetched: the page may be older. */
  #meanwhile: RowChange[] = []

  constructor(api: Api) {
    this.#api = api
  }

  get rows(): readonly Run[] {
    return this.#table.rows
  }
  get phase() {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }

  /** Shows the runs that pass the filters; the rows there are stay until the first new ones come. */
  async show(filters: Filters): Promise<void> {
    this.#filters = filters
    this.#cursor = null
    await this.#fetch('loading')
  }

  /** Fetches what is on show again, as after a lost connection; while held, rows keep their places. */
  refresh = async (): Promise<void> => {
    this.#cursor = null
    await this.#fetch('again')
  }

  /** Fetches the next page, if there is one and none is under way. */
  async more(): Promise<void> {
    if (this.#phase === 'ready' && this.#cursor !== null) await this.#fetch('more')
  }

  /** While held, rows are updated in place and keep their places: nothing moves under a pointer. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (!isHeld) this.#table = this.#table.arranged(this.#filters)
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

  async #fetch(how: 'loading' | 'again' | 'more'): Promise<void> {
    this.#abort.abort()
    this.#abort = new AbortController()
    const { signal } = this.#abort
    this.#phase = how === 'more' ? 'more' : 'loading'
    this.#meanwhile = []
    const query = queryOf(this.#filters)
    query.set('limit', String(PAGE))
    if (this.#cursor !== null) query.set('cursor', this.#cursor)
    try {
      const page = await this.#api.listRuns(query, signal)
      if (signal.aborted) return
      const table =
        how === 'again' && this.#isHeld
          ? this.#table.replacedBy(page.runs)
          : (how === 'more' ? this.#table : RowTable.empty).followedBy(page.runs)
      this.#table = table.updated(this.#meanwhile, this.#filters)
      this.#cursor = page.next_cursor
      this.#phase = 'ready'
    } catch (error) {
      if (signal.aborted) return
      this.#failure = sentenceOf(error)
      this.#phase = 'failed'
    }
  }

  #accept(frame: LiveFrame): void {
    const change = changeOf(frame)
    if (change === undefined) return
    this.#changes.push(change)
    if (this.#phase !== 'ready') this.#meanwhile.push(change)
    this.#frame ||= requestAnimationFrame(() => this.#apply())
  }

  /** Takes in what arrived since the last picture: many frames cost one drawing, and a hidden tab draws nothing. */
  #apply(): void {
    this.#frame = 0
    const table = this.#table.updated(this.#changes, this.#filters)
    this.#table = this.#isHeld ? table : table.arranged(this.#filters)
    this.#changes = []
  }
}

function changeOf(frame: LiveFrame): RowChange | undefined {
  if (frame.type === 'run') return [frame.run.id, frame.run]
  return frame.type === 'gap' && frame.reason === 'deleted' ? [frame.run, undefined] : undefined
}
