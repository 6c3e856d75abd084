import type { StepRange } from '#lib/api/client.ts'
import { between, coversAll, pan, zoomAround } from '#lib/chart/range.ts'
import type { AxisMode } from '#lib/chart/columns.ts'
import { FIRST_VIEW, type ChosenView } from './chart-address.ts'

/**
 * What a person looks at, in steps whatever the axis counts. `range` is `null` for the whole record. A view that follows
 * keeps the newest step in sight; zooming or panning stops that.
 */
export class ChartView {
  axis = $state<AxisMode>('step')
  isSmooth = $state(false)
  showsPostClip = $state(false)
  /** The part that the figures are of, once a person has chosen one. */
  part = $state<string | null>()
  /** Metrics drawn on a log axis. */
  #logs = $state.raw<readonly string[]>(['grad_norm'])
  #range = $state.raw<StepRange | null>(null)
  #follows = $state(true)
  /** The position of the cursor on the x axis, for the legends; `null` when it is nowhere. */
  cursor = $state<number | null>(null)
  readonly #whole: () => StepRange

  /** `whole` is the record as it is now. */
  constructor(
    whole: () => StepRange,
    { axis, isSmooth, logs, range, showsPostClip, part }: Omit<ChosenView, 'charts'> = FIRST_VIEW,
  ) {
    this.#whole = whole
    this.axis = axis
    this.isSmooth = isSmooth
    this.showsPostClip = showsPostClip
    this.part = part
    this.#logs = logs
    this.#range = range
    this.#follows = range === null
  }

  /** What a person has chosen; a zoom that slides with the record is no place to lead others to. */
  get chosen(): Omit<ChosenView, 'charts'> {
    const { axis, isSmooth, showsPostClip, part } = this
    const range = this.#follows ? null : this.#range
    return { axis, isSmooth, logs: this.#logs, range, showsPostClip, part }
  }

  get follows(): boolean {
    return this.#follows
  }
  get range(): StepRange | null {
    return this.#range
  }
  /** The range on screen. A following zoom slides with the record. */
  get shown(): StepRange {
    const whole = this.#whole()
    if (this.#range === null) return whole
    return this.#follows ? pan(this.#range, Infinity, whole) : this.#range
  }

  zoomTo(a: number, b: number): void {
    this.#set(between(a, b))
  }
  zoomAt(centre: number, factor: number): void {
    this.#set(zoomAround(this.shown, centre, factor, this.#whole()))
  }
  /** Both ends as a hand has put them, moved back into the record where they left it. */
  moveTo(a: number, b: number): void {
    this.#set(pan({ from: Math.min(a, b), to: Math.max(a, b) }, 0, this.#whole()))
  }
  reset(): void {
    this.#range = null
    this.#follows = true
  }
  /** Goes to the newest steps and stays there, as wide as now. */
  follow(): void {
    this.#follows = true
  }

  /** The norms of all parts are on one kind of axis. */
  isLog(metric: string): boolean {
    return this.#logs.includes(metric.startsWith('grad_norm/') ? 'grad_norm' : metric)
  }
  toggleLog(metric: string): void {
    const others = this.#logs.filter((other) => other !== metric)
    this.#logs = others.length < this.#logs.length ? others : [...others, metric]
  }

  #set(range: StepRange): void {
    if (coversAll(range, this.#whole())) return this.reset()
    this.#range = range
    this.#follows = false
  }
}
