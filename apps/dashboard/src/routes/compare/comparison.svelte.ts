import type { ComparedRun, CompareReply, LiveFrame, Run } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { ApiFailure, sentenceOf } from '#lib/api/failure.ts'
import { xOf } from '#lib/chart/columns.ts'
import { extent, type OverlaidRun, type OverlayMode } from './overlay.ts'
import { emptyBuckets, windowOf, type MetricBuckets, type SeriesWindow } from '#lib/chart/series-window.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'
import { lossTitle, metricOfPart, partsOf } from '#lib/format/run-parts.ts'
import { namesApart } from './names-apart.ts'
import { byLossReached, lowsOf, stepsToReach } from './loss-reached.ts'

export type ComparedMetric = 'grad_norm' | 'loss'
const MAX_POINTS = 800
/** Raw lines of more runs than this cover each other: they are smoothed until a person asks for the raw ones. */
const CROWD = 4
/** Milliseconds a zoom rests before its buckets are asked for. */
const ZOOM_REST = 120

interface Compared {
  readonly run: Run
  readonly measures: ComparedRun
  readonly window: SeriesWindow
  /** Unix seconds. */
  readonly startedAt: number
}

export interface Range {
  readonly min: number
  readonly max: number
}

/** Several runs side by side, as they were when they were read; a zoom fetches finer buckets. */
export class Comparison {
  readonly #api: Api
  readonly ids: readonly string[]
  /** The part whose norms are compared; `null` for those of the runs themselves. */
  readonly part: string | null
  /** What is read of each run. */
  readonly #metrics: readonly string[]
  phase = $state<'loading' | 'ready' | 'failed'>('loading')
  failure = $state('')
  /** IDs without a run. */
  missing = $state.raw<readonly string[]>([])
  notes = $state.raw<readonly string[]>([])
  compared = $state.raw<readonly Compared[]>([])
  mode = $state<OverlayMode>('step')
  isSmooth = $state(false)
  /** Where the cursor is on the x axis; `null` when it is nowhere. */
  cursor = $state<number | null>(null)
  /** What is on screen, in units of the x axis; `null` for everything. */
  range = $state.raw<Range | null>(null)
  /** Finer windows of a range, once they are there. */
  #finer = $state.raw<{ readonly range: Range; readonly windows: readonly SeriesWindow[] } | null>(null)
  #abort = new AbortController()
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #lows = $derived(this.compared.map(({ window }) => lowsOf(this.#bucketsOf(window, 'loss'))))

  constructor(api: Api, ids: readonly string[], part: string | null) {
    this.#api = api
    this.ids = ids
    this.part = part
    this.isSmooth = ids.length > CROWD
    this.#metrics = [
      metricOfPart('grad_norm', part),
      'loss',
      ...(part === null ? [] : [metricOfPart('loss', part)]),
    ]
  }

  readonly load = async (): Promise<void> => {
    this.phase = 'loading'
    try {
      const [reply, runs, windows] = await Promise.all([
        this.#api.compare(this.ids, this.part),
        Promise.all(this.ids.map((id) => this.#api.run(id))),
        Promise.all(this.ids.map((id) => this.#window(id, 0, Number.MAX_SAFE_INTEGER))),
      ])
      const names = namesApart(runs)
      this.compared = runs.map((run, i) => {
        const named = { ...run, name: names[i] ?? run.name }
        return compared(named, reply, windows[i] as SeriesWindow, i)
      })
      this.notes = reply.notes
      this.phase = 'ready'
    } catch (error) {
      this.failure = sentenceOf(error)
      this.missing = error instanceof ApiFailure && error.notFound ? await this.#lookForMissing() : []
      this.phase = 'failed'
    }
  }

  /** Until the returned function is called, a run that is deleted meanwhile is told as missing. */
  follow(connection: LiveConnection): () => void {
    const frame = (it: LiveFrame) => {
      if (it.type === 'gap' && it.reason === 'deleted' && this.ids.includes(it.run)) void this.load()
    }
    return connection.watch({ runs: {} }, { frame, missed: () => undefined })
  }

  async #lookForMissing(): Promise<string[]> {
    const found = await Promise.all(
      this.ids.map((id) =>
        this.#api.run(id).then(
          () => true,
          (error: unknown) => !(error instanceof ApiFailure && error.notFound),
        ),
      ),
    )
    return this.ids.filter((_, i) => !found[i])
  }

  /** The metric of every run on the axis chosen; by loss reached, the steps that took stand in for the loss. */
  overlaid(metric: ComparedMetric): OverlaidRun[] {
    const { mode } = this
    return this.compared.map(({ window, startedAt }, i) => {
      if (mode === 'loss') {
        const lows = this.#lows[i] ?? []
        return metric === 'loss' ? stepsToReach(lows) : byLossReached(this.#bucketsOf(window, metric), lows)
      }
      const buckets = this.#bucketsOf(this.#finer?.windows[i] ?? window, metric)
      return { buckets, x: xOf(buckets, mode, startedAt) }
    })
  }

  /** *Loss of critic* where a run has a loss of the part that is compared. */
  get lossTitle(): string {
    const ofPart = metricOfPart('loss', this.part)
    return lossTitle(this.compared.some(({ run }) => ofPart in run.latest) ? ofPart : 'loss')
  }

  /** The part's metrics; the run's loss if it has no own loss. */
  #bucketsOf({ metrics }: SeriesWindow, metric: ComparedMetric): MetricBuckets {
    const ofPart = metrics.get(metricOfPart(metric, this.part))
    if (metric !== 'loss' || (ofPart !== undefined && ofPart.step.length > 0)) return ofPart ?? emptyBuckets()
    return metrics.get('loss') ?? emptyBuckets()
  }

  /** What can be compared: `null`, the runs themselves, first where one has norms of its own; then the parts that all runs have. */
  get parts(): (string | null)[] {
    const [first = [], ...others] = this.compared.map(({ run }) => partsOf(run).map(({ name }) => name))
    const shared = first.filter((name) => name !== null && others.every((names) => names.includes(name)))
    const haveOwn = [first, ...others].some((names) => names.includes(null))
    return haveOwn ? [null, ...shared] : shared
  }

  /** Both ends of the x axis. */
  get shown(): Range {
    return this.range ?? this.#whole
  }
  get #whole(): Range {
    const { mode } = this
    if (mode === 'loss') return extent(this.overlaid('loss'))
    return extent(
      this.compared.map(({ window, startedAt }) => {
        const buckets = longest(window)
        return { buckets, x: xOf(buckets, mode, startedAt) }
      }),
    )
  }

  setMode(mode: OverlayMode): void {
    this.mode = mode
    this.zoomTo(null)
  }

  /** Shows a range, moved back to what the runs have where it leaves that; `null` shows everything. */
  zoomTo(asked: Range | null): void {
    const range = asked && within(asked, this.#whole)
    this.range = range
    clearTimeout(this.#timer)
    this.#abort.abort()
    this.#abort = new AbortController()
    if (range === null || this.#finer === null || !holds(this.#finer.range, range)) this.#finer = null
    // By loss reached there is nothing finer: a low is what all before it makes it.
    if (range === null || this.mode === 'loss') return
    const { signal } = this.#abort
    this.#timer = setTimeout(() => void this.#refine(range, signal), ZOOM_REST)
  }

  async #refine(range: Range, signal: AbortSignal): Promise<void> {
    const { min, max } = range
    const windows = this.compared.map(({ run, window, startedAt }) => {
      if (this.mode === 'step') return this.#window(run.id, Math.max(0, Math.floor(min)), Math.ceil(max))
      const zero = this.mode === 'time' ? 0 : startedAt
      const [from, to] = [min + zero, max + zero]
      return this.#api
        .series(run.id, { metrics: this.#metrics, times: { from, to }, maxPoints: MAX_POINTS })
        .then((reply) => windowOf(reply, reply, reply.to))
        .catch(() => window)
    })
    try {
      const finer = { range, windows: await Promise.all(windows) }
      if (!signal.aborted) this.#finer = finer
    } catch {
      // The coarser buckets stay: they show the same range.
    }
  }

  async #window(id: string, from: number, to: number): Promise<SeriesWindow> {
    const reply = await this.#api.series(id, {
      metrics: this.#metrics,
      range: { from, to },
      maxPoints: MAX_POINTS,
    })
    return windowOf(reply, { from, to }, to)
  }
}

function compared(run: Run, { runs }: CompareReply, window: SeriesWindow, place: number): Compared {
  return {
    run,
    measures: { ...(runs[place] as ComparedRun), name: run.name },
    window,
    startedAt: longest(window).time[0] ?? 0,
  }
}

/** The range as wide as it is but inside `whole`; `null` when it is all of that. */
function within({ min, max }: Range, whole: Range): Range | null {
  const width = max - min
  if (width >= whole.max - whole.min) return null
  const from = Math.min(Math.max(min, whole.min), whole.max - width)
  return { min: from, max: from + width }
}

const holds = (outer: Range, inner: Range) => outer.min <= inner.min && outer.max >= inner.max

/** The metric with the most buckets stands for the run's whole length. */
function longest({ metrics }: SeriesWindow) {
  return [...metrics.values()].reduce(
    (best, buckets) => (buckets.step.length > best.step.length ? buckets : best),
    emptyBuckets(),
  )
}
