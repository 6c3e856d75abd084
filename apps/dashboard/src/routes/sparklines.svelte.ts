import { SvelteMap } from 'svelte/reactivity'
import type { Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { metricOfPart, worstPart } from '#lib/format/run-parts.ts'
import { windowOf, type SeriesWindow } from '#lib/chart/series-window.ts'

const AT_ONCE = 4
const BUCKETS = 60
/** A sparkline on screen is fetched again at most this often, in milliseconds. */
const REST = 3_000

/** The curve of a run, and how many points the run had when it was asked for, and when that was. */
interface Curve {
  readonly window: SeriesWindow | undefined
  readonly points: number
  readonly at: number
}

/** The small norm curves of the rows on screen: a bounded number of requests at a time, those of rows that left are dropped. */
export class Sparklines {
  readonly #api: Api
  readonly #curves = new SvelteMap<string, Curve>()
  #wanted: readonly Run[] = []
  #running = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(api: Api) {
    this.#api = api
  }

  of(id: string): SeriesWindow | undefined {
    return this.#curves.get(id)?.window
  }

  /** Says which rows are on screen, as they are now. */
  want(rows: readonly Run[]): void {
    this.#wanted = rows
    this.#next()
  }

  stop(): void {
    this.#wanted = []
    clearTimeout(this.#timer)
  }

  #next(): void {
    clearTimeout(this.#timer)
    const now = Date.now()
    const stale = this.#wanted.filter(
      (run) => run.points > 0 && this.#curves.get(run.id)?.points !== run.points,
    )
    const due = stale.filter((run) => now - (this.#curves.get(run.id)?.at ?? 0) >= REST)
    for (const run of due.slice(0, AT_ONCE - this.#running)) void this.#fetch(run)
    if (stale.length > 0) this.#timer = setTimeout(() => this.#next(), REST)
  }

  async #fetch(run: Run): Promise<void> {
    const { id, points, last_step } = run
    const { name, latest } = worstPart(run)
    this.#running++
    const asked = { points, at: Date.now() }
    this.#curves.set(id, { ...asked, window: this.of(id) })
    const metrics = ['grad_norm', ...('max_norm' in latest ? ['max_norm'] : [])].map((metric) =>
      metricOfPart(metric, name),
    )
    try {
      const reply = await this.#api.series(id, { metrics, maxPoints: BUCKETS })
      const newest = last_step ?? 0
      this.#curves.set(id, { ...asked, window: windowOf(reply, { from: 0, to: newest }, newest) })
    } catch {
      // The row stays without a curve; it is asked for again when its run moves.
    } finally {
      this.#running--
      this.#next()
    }
  }
}
