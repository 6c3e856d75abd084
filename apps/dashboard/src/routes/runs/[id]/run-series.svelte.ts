import type { Clip, LiveColumns } from '@normwatch/protocol'
import type { Api, StepRange } from '#lib/api/client.ts'
import { sentenceOf } from '#lib/api/failure.ts'
import { withMargin } from '#lib/chart/range.ts'
import {
  emptyWindow,
  reaches,
  wholeWindowOf,
  windowOf,
  type MetricBuckets,
  type SeriesWindow,
} from '#lib/chart/series-window.ts'
import { Tail } from './tail.ts'

/** Buckets asked for in a window, and those that live points add before it is fetched again. */
const BUCKETS = 1_500
/** What a run's page reads first, whatever else it is to show: `page-files.ts` has the browser ask for the same, early. */
const FIRST_METRICS: readonly string[] = ['grad_norm', 'loss', 'max_norm', 'clip_fraction', 'lr']
/** Live points kept at the most. */
const TAIL_POINTS = 4_000
/** Milliseconds between two pictures of live points: ten a second look alive and leave the machine to the training. */
const PICTURE_REST = 80
/** Milliseconds a zoom rests before its buckets are asked for, and between two fetches that live points cause. */
const ZOOM_REST = 120
const REFETCH_REST = 1_000

/**
 * The readings of one run for its charts: an overview of the whole record, a finer window of what is zoomed into, and the
 * live points after both. Old buckets stay until finer ones come.
 */
export class RunSeries {
  readonly #api: Api
  readonly #id: string
  readonly #tail = new Tail()
  #metrics: readonly string[] = []
  #overview = $state.raw<SeriesWindow | null>(null)
  #detail = $state.raw<SeriesWindow | null>(null)
  #view = $state.raw<StepRange | null>(null)
  #lastStep = $state(-1)
  #failure = $state('')
  /** Grows with every picture that live points changed. */
  #version = $state(0)
  #frame = 0
  #pictureRest = PICTURE_REST
  #pictureTimer: ReturnType<typeof setTimeout> | undefined
  #zoomTimer: ReturnType<typeof setTimeout> | undefined
  #refetchTimer: ReturnType<typeof setTimeout> | undefined
  #abort = { overview: new AbortController(), detail: new AbortController() }

  constructor(api: Api, id: string) {
    this.#api = api
    this.#id = id
  }

  get isLoaded(): boolean {
    return this.#overview !== null
  }
  get failure(): string {
    return this.#failure
  }
  /** The steps of the record, live ones included. */
  get whole(): StepRange {
    const starts = [...(this.#overview?.metrics.values() ?? [])].map(({ step }) => step[0] ?? Infinity)
    return { from: Math.max(0, Math.min(this.#lastStep, ...starts)), to: Math.max(0, this.#lastStep) }
  }
  /** Steps a bucket of what `buckets` gives. */
  get bucket(): number {
    return this.#shown?.bucket ?? 1
  }

  /** A metric as it is now, in the finest buckets there are for what is on screen; `undefined` before the first fetch. */
  buckets(metric: string, clip: Clip): MetricBuckets | undefined {
    void this.#version
    return this.#shown && this.#tail.extend(this.#shown, metric, clip)
  }

  /** The whole record of a metric. */
  overview(metric: string, clip: Clip): MetricBuckets | undefined {
    void this.#version
    return this.#overview ? this.#tail.extend(this.#overview, metric, clip) : undefined
  }

  /** Fetches what most pages show first, up to the newest step, before it is known which step that is. */
  async loadFirst(): Promise<void> {
    this.#metrics = FIRST_METRICS
    const window = await this.#fetch('overview')
    if (window === undefined) return
    this.#lastStep = Math.max(window.to, this.#tail.lastStep ?? -1)
    this.#tail.dropThrough(window.to)
    this.#overview = window
  }

  /** Whether all of these metrics were fetched, up to the step `lastStep`; what is zoomed into is not part of it. */
  holds(metrics: readonly string[], lastStep: number | null): boolean {
    const isRead = metrics.every((metric) => this.#metrics.includes(metric))
    return isRead && this.#view === null && this.#overview?.to === (lastStep ?? -1)
  }

  /** Fetches these metrics up to the step `lastStep`, which the server has; live points are to come for the steps after it. */
  async load(metrics: readonly string[], lastStep: number | null): Promise<void> {
    this.#metrics = metrics
    this.#lastStep = Math.max(lastStep ?? -1, this.#tail.lastStep ?? -1)
    await this.#fetchAll()
  }

  /** Says what is zoomed into (`null`: nothing); finer buckets follow. */
  zoom(view: StepRange | null): void {
    this.#view = view
    clearTimeout(this.#zoomTimer)
    if (view === null) this.#detail = null
    else if (!isFine(this.#detail, view))
      this.#zoomTimer = setTimeout(() => void this.#fetchDetail(), ZOOM_REST)
  }

  /** Takes live points in; they show with the next picture, and a hidden tab draws none. */
  accept(columns: LiveColumns): void {
    const lowest = this.#tail.add(columns) ?? Infinity
    if (lowest <= (this.#overview?.to ?? -1)) this.#refetchSoon()
    this.#pictureTimer ??= setTimeout(() => {
      const askedAt = performance.now()
      this.#frame = requestAnimationFrame((now) => this.#show(now - askedAt))
    }, this.#pictureRest)
  }

  /** Forgets the live points: the record was cut back or changed, and is to be loaded again. */
  forget(): void {
    this.#tail.clear()
    this.#version++
  }

  stop(): void {
    cancelAnimationFrame(this.#frame)
    clearTimeout(this.#pictureTimer)
    clearTimeout(this.#zoomTimer)
    clearTimeout(this.#refetchTimer)
    this.#abort.overview.abort()
    this.#abort.detail.abort()
  }

  get #shown(): SeriesWindow | undefined {
    const useDetail = this.#detail !== null && this.#view !== null && reaches(this.#detail, this.#view)
    return (useDetail ? this.#detail : this.#overview) ?? undefined
  }

  /** `lag`: how long the browser took to come to it. One that is busy painting is asked for fewer pictures, so that it can still answer a person. */
  #show(lag: number): void {
    this.#pictureTimer = undefined
    this.#pictureRest = Math.min(1000, Math.max(PICTURE_REST, 3 * lag))
    this.#lastStep = Math.max(this.#lastStep, this.#tail.lastStep ?? -1)
    this.#version++
    const window = this.#shown
    const grown = window?.isOpen ? (this.#lastStep - window.to) / window.bucket : 0
    if (this.#tail.size > TAIL_POINTS || grown > BUCKETS) this.#refetchSoon()
  }

  #refetchSoon(): void {
    this.#refetchTimer ??= setTimeout(() => {
      this.#refetchTimer = undefined
      void this.#fetchAll()
    }, REFETCH_REST)
  }

  async #fetchAll(): Promise<void> {
    await Promise.all([this.#fetchOverview(), this.#fetchDetail()])
    const ends = [this.#overview, this.#detail].flatMap((window) => (window?.isOpen ? [window.to] : []))
    if (ends.length > 0) this.#tail.dropThrough(Math.min(...ends))
  }

  async #fetchOverview(): Promise<void> {
    const window = await this.#fetch('overview', { from: 0, to: this.#lastStep })
    if (window !== undefined) this.#overview = window
  }

  async #fetchDetail(): Promise<void> {
    if (this.#view === null) return
    const { from, to } = withMargin(this.#view)
    const window = await this.#fetch('detail', { from, to: Math.min(to, this.#lastStep) })
    if (window !== undefined && this.#view !== null) this.#detail = window
  }

  /** Without a range: the whole record, as far as it goes when the server reads it. */
  async #fetch(slot: 'overview' | 'detail', range?: StepRange): Promise<SeriesWindow | undefined> {
    if (range && range.to < range.from) return slot === 'overview' ? emptyWindow : undefined
    this.#abort[slot].abort()
    this.#abort[slot] = new AbortController()
    const { signal } = this.#abort[slot]
    const newest = this.#lastStep
    try {
      const reply = await this.#api.series(this.#id, {
        metrics: this.#metrics,
        ...(range && { range }),
        maxPoints: BUCKETS,
        signal,
      })
      this.#failure = ''
      return range ? windowOf(reply, range, newest) : wholeWindowOf(reply)
    } catch (error) {
      if (!signal.aborted) this.#failure = sentenceOf(error)
      return undefined
    }
  }
}

/** Whether a window holds a view in as fine buckets as there are for it: asking again would bring no more. */
function isFine(window: SeriesWindow | null, view: StepRange): boolean {
  if (window === null || !reaches(window, view)) return false
  return window.bucket === 1 || (window.to - window.from) / (view.to - view.from) < 4
}
