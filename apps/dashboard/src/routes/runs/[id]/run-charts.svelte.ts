import type { Gestures, Guide, Picture, Span } from '#lib/chart/chart-spec.ts'
import {
  capColumn,
  chartColumns,
  clipRate,
  judgedOf,
  marksAtOrBelowZero,
  marksOfNonfinite,
  nearest,
  postClip,
  ribbonCells,
  smoothed,
  xOf,
  type ChartColumns,
} from '#lib/chart/columns.ts'
import type { RunEvent } from '@normwatch/protocol'
import { chartWords, rateSpan } from './chart-words.ts'
import { findingSpans, type FindingSpan } from './finding-spans.ts'
import { interpolate } from '#lib/chart/range.ts'
import { emptyBuckets, type MetricBuckets } from '#lib/chart/series-window.ts'
import { capOfNorm } from '#lib/format/clip.ts'
import { figure, group, percent } from '#lib/format/number.ts'
import { lossMetrics, metricOfPart, partsOf, type RunPart } from '#lib/format/run-parts.ts'
import { duration, instant } from '#lib/format/time.ts'
import type { ChartView } from './chart-view.svelte.ts'
import type { LiveRun } from './live-run.svelte.ts'

const NO_CLIP = { mode: 'none' } as const
/** What the charts of a run show: its readings and findings put on the axis that the view asks for. */
export class RunCharts {
  readonly #live: LiveRun
  readonly #view: ChartView
  readonly #trialCap: (part: string | null) => number | null
  readonly #parts = $derived.by(() => (this.#live.run === null ? [] : partsOf(this.#live.run)))
  /** Steps and times beside each other, for the way between the two. */
  readonly #ticks = $derived.by(() => this.#overview())
  readonly #startedAt = $derived(this.#ticks.time[0] ?? 0)
  readonly #spans = $derived.by(() => findingSpans(this.#live.findings, this.#live.series.whole.to))
  /** Where buckets are on the axis, and which axis that was. */
  readonly #places = new WeakMap<MetricBuckets, { readonly key: string; readonly x: number[] }>()
  readonly gestures: Gestures

  /** `trialCap` is a cap that a person tries on a part; it stands in the place of the part's own. */
  constructor(live: LiveRun, view: ChartView, trialCap: (part: string | null) => number | null) {
    this.#live = live
    this.#view = view
    this.#trialCap = trialCap
    this.gestures = {
      zoomTo: (from, to) => view.zoomTo(this.toStep(from), this.toStep(to)),
      zoomAt: (x, factor) => view.zoomAt(this.toStep(x), factor),
      moveTo: (left, right) => view.moveTo(this.toStep(left), this.toStep(right)),
      reset: () => view.reset(),
      hover: (x) => (view.cursor = x),
      get cursor() {
        return view.cursor
      },
    }
  }

  /** The streams of gradients of the run, each with charts of its own. */
  get parts(): readonly RunPart[] {
    return this.#parts
  }
  /** The losses of the run, each with a chart of its own. */
  get losses(): readonly string[] {
    return this.#live.run === null ? [] : lossMetrics(this.#live.run)
  }
  /** Whose record the charts show. */
  get source(): { readonly id: string; readonly name: string; readonly project: string } {
    return this.#live.run ?? { id: this.#live.id, name: this.#live.id, project: '' }
  }
  /** Steps that a bucket on screen covers. */
  get bucket(): number {
    return this.#live.series.bucket
  }
  get events(): readonly RunEvent[] {
    return this.#live.events
  }
  get spans(): readonly FindingSpan[] {
    return this.#spans
  }
  /** The findings that the lane of a part shows; those of the whole run stand in the first one. */
  spansOf(part: string | null): readonly FindingSpan[] {
    const first = this.parts[0]?.name
    return this.#spans.filter((span) => span.part === part || (span.part === null && part === first))
  }
  /** Seconds between the first and the newest point. */
  get elapsed(): number {
    return Math.max(0, (this.#ticks.time.at(-1) ?? 0) - this.#startedAt)
  }
  /** Both ends of the x axis. */
  get ends(): { min: number; max: number } {
    const { from, to } = this.#view.shown
    const [min, max] = [this.toX(from), this.toX(to)]
    return max > min ? { min, max } : { min: Math.max(0, min - 1), max: min + 1 }
  }

  toX(step: number): number {
    if (this.#view.axis === 'step') return step
    const time = interpolate(this.#ticks.step, this.#ticks.time, step)
    return this.#view.axis === 'time' ? time : time - this.#startedAt
  }
  toStep(x: number): number {
    if (this.#view.axis === 'step') return x
    return interpolate(
      this.#ticks.time,
      this.#ticks.step,
      this.#view.axis === 'time' ? x : x + this.#startedAt,
    )
  }

  /** Moves the cursor by so many buckets within what is on screen, from the newest one where it is nowhere. */
  moveCursor(by: number): void {
    const { min, max } = this.ends
    const x = this.#longest().filter((at) => at >= min && at <= max)
    const from = this.#view.cursor === null ? x.length : nearest(x, this.#view.cursor)
    this.#view.cursor = x[Math.min(x.length - 1, Math.max(0, from + by))] ?? null
  }

  /** Puts the cursor at a step. */
  moveCursorTo(step: number): void {
    this.#view.cursor = this.toX(step)
  }

  norm(part: string | null): Picture {
    const { buckets, x, log } = this.#drawn(metricOfPart('grad_norm', part))
    const columns = chartColumns(buckets, x, log)
    const cap = this.#caps(columns.x, part)
    const last = cap.findLast((value) => value !== null)
    return {
      ...this.#frame(columns, this.spansOf(part)),
      cap,
      capLabel: last == null ? undefined : `${this.#capName(part)} ${figure(last)}`,
      smooth: this.#smooth(columns, log),
      post: this.#view.showsPostClip ? postClip(columns.last, cap) : undefined,
      nonfinite: marksOfNonfinite(buckets, x),
      belowAxis: log ? marksAtOrBelowZero(buckets, x) : [],
    }
  }

  metric(name: string): Picture {
    const { buckets, x, log } = this.#drawn(name)
    const columns = chartColumns(buckets, x, log)
    return {
      ...this.#frame(columns),
      smooth: this.#smooth(columns, log),
      nonfinite: marksOfNonfinite(buckets, x),
      belowAxis: log ? marksAtOrBelowZero(buckets, x) : [],
    }
  }

  rate(window: number, part: string | null): Picture {
    const { buckets, x } = this.#drawn(metricOfPart('grad_norm', part))
    const rate = clipRate(buckets, window)
    const columns = { x: [...x], min: rate, max: rate, last: rate }
    return { ...this.#frame(columns, this.spansOf(part)), guides: this.#rateGuides() }
  }

  /** What those rates are over, in words. */
  rateSpan(window: number, part: string | null): string {
    return rateSpan(this.#buckets(metricOfPart('grad_norm', part)), this.bucket, window)
  }

  ribbon(part: string | null) {
    const { buckets, x } = this.#drawn(metricOfPart('grad_norm', part))
    return { cells: ribbonCells(buckets, x), ...this.ends }
  }

  /** Whether the cap on the chart of a part is one that a person tries. */
  hasTrial(part: string | null): boolean {
    return this.#trialCap(part) !== null
  }

  /** The share of a bucket's norms above the cap on the chart; `undefined` where the bucket does not tell. */
  shareAbove(part: string | null): number | undefined {
    const reading = this.reading(metricOfPart('grad_norm', part))
    const trial = this.#trialCap(part)
    if (reading === undefined || reading.judged === 0) return undefined
    if (trial === null) return reading.over / reading.judged
    const { min, max } = reading
    if (min === null || max === null) return undefined
    return min > trial ? 1 : max <= trial ? 0 : undefined
  }

  /** The bucket under the cursor, the newest one when the cursor is nowhere; `undefined` without readings. */
  reading(name: string) {
    const { buckets, x } = this.#drawn(name)
    const i = this.#view.cursor === null ? x.length - 1 : nearest(x, this.#view.cursor)
    if (i < 0) return undefined
    const [step, last, min, max, nonfinite, count, over] = [
      buckets.step[i] as number,
      buckets.last[i] as number,
      buckets.min[i] ?? null,
      buckets.max[i] ?? null,
      buckets.nonfinite[i] as number,
      buckets.count[i] as number,
      buckets.over[i] as number,
    ]
    const place = this.#view.cursor === null ? 'newest' : this.#place(step, buckets.time[i] as number)
    return { place, last, min, max, nonfinite, count, over, judged: judgedOf(buckets, i) }
  }

  /** The clip rate under the cursor, or the newest one; `null` before the first. */
  rateAt({ columns: { x, last } }: Picture): number | null {
    const i = this.#view.cursor === null ? x.length - 1 : nearest(x, this.#view.cursor)
    return last[i] ?? null
  }

  /** The largest finite norm of the whole record, or `null`. */
  largestNorm(part: string | null): number | null {
    const metric = metricOfPart('grad_norm', part)
    const { max } = this.#live.series.overview(metric, this.#clipOf(metric)) ?? emptyBuckets()
    return max.reduce<number | null>(
      (largest, value) => (value !== null && value > (largest ?? -Infinity) ? value : largest),
      null,
    )
  }

  /** A moving average whose half-life is a part of what is on screen, so that a zoom shows finer ones. */
  #smooth({ x, last }: ChartColumns, log: boolean): Picture['smooth'] {
    const { min, max } = this.ends
    return this.#view.isSmooth ? smoothed(x, last, (max - min) / 150, log) : undefined
  }

  /** The levels at which `clip_saturated` opens and closes in this run. */
  #rateGuides(): Guide[] {
    const { open_rate: opens, close_rate: closes } = this.#live.settings['clip_saturated'] ?? {}
    if (typeof opens !== 'number' || typeof closes !== 'number') return []
    return [
      { value: opens, label: `saturated from ${percent(opens)}` },
      { value: closes, label: `cleared below ${percent(closes)}` },
    ]
  }

  /** The chart of a metric in words, for those who do not see it. */
  words(name: string): string {
    return chartWords(this.#buckets(name))
  }

  /** What is under the cursor, in words. */
  sentence(): string {
    const metrics = this.parts.map(({ name }) => metricOfPart('grad_norm', name)).concat(this.losses)
    const readings = metrics.map((metric) => {
      const reading = this.reading(metric)
      const what = metric.replace('grad_norm', 'norm').replace('/', ' of ')
      return reading && { place: reading.place, words: `${what} ${figure(reading.last)}` }
    })
    const said = readings.filter((reading) => reading !== undefined)
    return said[0] === undefined
      ? 'no reading yet'
      : `${said[0].place}: ${said.map(({ words }) => words).join(', ')}`
  }

  /** Where a bucket begins, in the words of the axis. */
  #place(step: number, time: number): string {
    if (this.#view.axis === 'step') return `step ${group(step)}`
    const at = this.#view.axis === 'time' ? instant(time * 1000) : `after ${duration(time - this.#startedAt)}`
    return `${at}, step ${group(step)}`
  }

  #caps(x: readonly number[], part: string | null) {
    const trial = this.#trialCap(part)
    if (trial !== null) return x.map(() => trial)
    const caps = this.#buckets(metricOfPart('max_norm', part))
    return capColumn(x, { x: this.#x(caps), values: caps.last }, capOfNorm(this.#clipOf('', part)))
  }
  #capName(part: string | null): string {
    if (this.#trialCap(part) !== null) return 'cap tried'
    return this.#clipOf('', part).mode === 'none' ? 'reference cap' : 'max_norm'
  }
  /** How the part clips that a metric such as `grad_norm/critic` is of. */
  #clipOf(metric: string, part = /^grad_norm\/(.+)$/.exec(metric)?.[1] ?? null) {
    return (this.parts.find(({ name }) => name === part) ?? this.#live.run)?.clip ?? NO_CLIP
  }

  #overview(): { step: readonly number[]; time: readonly number[] } {
    const metrics = this.#leading.map(
      (name) => this.#live.series.overview(name, this.#clipOf(name)) ?? emptyBuckets(),
    )
    return metrics.reduce((longest, other) => (other.step.length > longest.step.length ? other : longest))
  }

  /** The metrics that say where a run's steps are. */
  get #leading(): string[] {
    return [...this.parts.map(({ name }) => metricOfPart('grad_norm', name)), ...this.losses]
  }

  /** Where the buckets of the norm are, of another part's or of the loss where there are more of those. */
  #longest(): number[] {
    const places = this.#leading.map((name) => this.#drawn(name).x)
    return places.reduce((longest, other) => (other.length > longest.length ? other : longest))
  }
  #buckets(name: string): MetricBuckets {
    return this.#live.series.buckets(name, this.#clipOf(name)) ?? emptyBuckets()
  }
  #x(buckets: MetricBuckets): number[] {
    const key = `${this.#view.axis} ${this.#startedAt}`
    const known = this.#places.get(buckets)
    if (known?.key === key) return known.x
    const x = xOf(buckets, this.#view.axis, this.#startedAt)
    this.#places.set(buckets, { key, x })
    return x
  }
  #drawn(name: string) {
    const buckets = this.#buckets(name)
    return { buckets, x: this.#x(buckets), log: this.#view.isLog(name) }
  }
  #frame(columns: Picture['columns'], found: readonly FindingSpan[] = this.#spans): Picture {
    const spans = found.map(({ id, from, to, colour }): Span => ({
      id,
      from: this.toX(from),
      to: this.toX(to),
      colour,
    }))
    return { columns, ...this.ends, spans, events: this.#live.events.map(({ step }) => this.toX(step)) }
  }
}
