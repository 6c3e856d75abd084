import type { Moved } from '../contract.ts'
import type { Column } from '../series/columns.ts'
import { significant } from '../series/round.ts'
import { rankCorrelation } from '../series/statistics.ts'
import { levelShift } from './level-shift.ts'

/** The record around an onset: steps in ascending order, and every metric's readings at them. */
export interface Surroundings {
  readonly step: Float64Array
  readonly metrics: ReadonlyMap<string, Column>
}

/** Metrics that are derived from the norm or are its cap explain nothing. */
const DERIVED: ReadonlySet<string> = new Set([
  'grad_norm',
  'post_norm',
  'clip_fraction',
  'max_norm',
  'max_abs_grad',
])

const LAYERS = 'layers/'
/** A learning rate that leaps back was set to a new value, which is worth reporting. */
const SCHEDULE = /(^|[/_.-])(lr|learning_rate)($|[/_.-])/

/**
 * How surprising a shift must be. It grows where few values were seen, as the largest of few is no measure, and with the
 * number of metrics looked at. `npm run report:moved` measures what it does.
 */
const BAR = 2
const FEW = 8
const METRICS = 50
const PER_TENFOLD = 0.1

const LIMIT = 5
/** Readings that are looked at on either side of the onset. */
const LOOKED_BEFORE = 250
const LOOKED_AFTER = 100
/** Two metrics with a higher correlation are reported as one. */
const MIRRORED = 0.98
/** Upper bound of the surprise: otherwise constants that changed would always come first. */
const MOST_SURPRISE = 16

interface Candidate {
  readonly moved: Moved
  readonly surprise: number
  readonly readings: Readings
}

/**
 * Which metrics moved around an onset: those whose level shifted by far more than it does by itself. Look at one metric after
 * the other, then ask what was found: others' work can go between.
 *
 * `part`: whose norm it is that has an onset; `null` for the run's.
 */
export class MovedSearch {
  readonly #step: Float64Array
  readonly #onset: number
  readonly #part: string | null
  readonly #bar: number
  readonly #candidates: Candidate[] = []
  #looked = 0

  constructor(step: Float64Array, onset: number, part: string | null = null, bar = BAR) {
    this.#step = step
    this.#onset = onset
    this.#part = part
    this.#bar = bar
  }

  look(metric: string, column: Column): void {
    if (this.#saysNothing(metric)) return
    this.#looked++
    const candidate = shiftOf(metric, readingsAround(this.#step, column, this.#onset), this.#onset)
    if (candidate !== undefined && candidate.surprise >= this.#bar) this.#candidates.push(candidate)
  }

  /** At most five, what moved before the onset ahead of what moved after it, then the largest; of metrics that mirror each other one. */
  found(): Moved[] {
    const bar = this.#bar * (1 + PER_TENFOLD * Math.max(0, Math.log10(this.#looked / METRICS)))
    const found = this.#candidates
      .filter(({ surprise }) => surprise >= bar)
      .toSorted((a, b) => rank(b) - rank(a))
    const listed: typeof found = []
    for (const one of found) {
      if (listed.length === LIMIT) break
      if (!listed.some((other) => isMirror(other.readings, one.readings))) listed.push(one)
    }
    return listed.map(({ moved }) => moved)
  }

  /** Layers are looked at by themselves; the norm of another part may well have moved first. */
  #saysNothing(metric: string): boolean {
    if (metric.startsWith(LAYERS)) return true
    const slash = metric.indexOf('/')
    const [name, part] = slash < 0 ? [metric, null] : [metric.slice(0, slash), metric.slice(slash + 1)]
    if (!DERIVED.has(name)) return false
    return name !== 'grad_norm' || this.#part === null || part === null || part === this.#part
  }
}

/** The same in one go. */
export function findMoved(
  { step, metrics }: Surroundings,
  onset: number,
  part: string | null = null,
  bar = BAR,
): Moved[] {
  const search = new MovedSearch(step, onset, part, bar)
  for (const [metric, column] of metrics) search.look(metric, column)
  return search.found()
}

interface Readings {
  readonly steps: readonly number[]
  readonly values: readonly number[]
}

/** The finite readings around the onset. */
function readingsAround(step: Float64Array, { values, present }: Column, onset: number): Readings {
  const at = step.findIndex((one) => one >= onset)
  const steps: number[] = []
  const kept: number[] = []
  const isRead = (i: number): boolean => (present === null || present[i] === 1) && Number.isFinite(values[i])
  let from = at < 0 ? step.length : at
  for (let count = 0; from > 0 && count < LOOKED_BEFORE; from--) if (isRead(from - 1)) count++
  for (let i = from, after = 0; i < step.length && after < LOOKED_AFTER; i++) {
    if (!isRead(i)) continue
    steps.push(step[i] as number)
    kept.push(values[i] as number)
    if ((step[i] as number) >= onset) after++
  }
  return { steps, values: kept }
}

/** The shift of a metric near the onset, on the log scale where it is positive; `undefined` where it has too few readings. */
function shiftOf(metric: string, { steps, values }: Readings, onset: number): Candidate | undefined {
  const at = steps.findIndex((step) => step >= onset)
  if (at < 0) return undefined
  const isPositive = values.every((value) => value > 0)
  const shift = levelShift(
    Float64Array.from(values, isPositive ? Math.log : Number),
    at,
    SCHEDULE.test(metric),
  )
  if (shift === undefined) return undefined
  const plain = (value: number): number => significant(isPositive ? Math.exp(value) : value, 4)
  const step = steps[shift.start] as number
  const moved: Moved = {
    metric,
    before: plain(shift.before),
    after: plain(shift.after),
    ratio: isPositive ? significant(Math.exp(shift.after - shift.before), 3) : null,
    at_step: step,
    lead: step - onset,
    effect: significant(Math.min(shift.effect, 1e6), 3),
  }
  return { moved, surprise: shift.surprise / (1 + FEW / shift.seen), readings: { steps, values } }
}

/** Earlier moves rank higher than larger ones: four times the surprise before the onset, twice at it. */
function rank({ moved: { lead }, surprise }: Candidate): number {
  return Math.log2(Math.min(surprise, MOST_SURPRISE)) + (lead < 0 ? 2 : lead === 0 ? 1 : 0)
}

function isMirror(a: Readings, b: Readings): boolean {
  if (a.values.length !== b.values.length || a.steps[0] !== b.steps[0]) return false
  return Math.abs(rankCorrelation(a.values, b.values)) > MIRRORED
}
