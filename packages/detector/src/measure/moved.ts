import type { Moved } from '../contract.ts'
import { isLr, isPace } from '../record/metric-names.ts'
import type { Column } from '../series/columns.ts'
import { significant } from '../series/round.ts'
import { correlationOfRanks, ranks } from '../series/statistics.ts'
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

/**
 * How surprising a shift must be. It grows where few values tell the scatter, and with the
 * number of metrics looked at. `npm run report:moved` measures what it does.
 */
const BAR = 2
const FEW = 12
const METRICS = 50
const PER_TENFOLD = 0.2

const LIMIT = 5
/** Readings that are looked at on either side of the onset. */
const LOOKED_BEFORE = 250
const LOOKED_AFTER = 100
/** Two metrics with a higher correlation are reported as one. */
const MIRRORED = 0.98
/** Upper bound of the surprise, beside the effect: otherwise constants that changed would always come first. */
const MOST_SURPRISE = 16

interface Candidate {
  readonly moved: Moved
  readonly surprise: number
  readonly readings: Readings
  /** Ranks of the readings, once they were asked for. */
  ranks?: Float64Array
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
  /** Index of the first step at the onset or after it. */
  readonly #at: number
  readonly #part: string | null
  readonly #bar: number
  readonly #candidates: Candidate[] = []
  #looked = 0

  constructor(step: Float64Array, onset: number, part: string | null = null, bar = BAR) {
    this.#step = step
    this.#onset = onset
    const at = step.findIndex((one) => one >= onset)
    this.#at = at < 0 ? step.length : at
    this.#part = part
    this.#bar = bar
  }

  look(metric: string, column: Column): void {
    if (this.#saysNothing(metric)) return
    this.#looked++
    const candidate = shiftOf(metric, readingsAround(this.#step, column, this.#at), this.#onset, this.#bar)
    if (candidate !== undefined && candidate.surprise >= this.#bar) this.#candidates.push(candidate)
  }

  /** At most five, what moved before the onset ahead of what moved after it, then the largest; of metrics that mirror each other one. */
  found(): Moved[] {
    const bar = this.#bar * (1 + PER_TENFOLD * Math.max(0, Math.log10(this.#looked / METRICS)))
    const found = this.#candidates
      .filter(({ surprise }) => surprise >= bar)
      .toSorted((a, b) => rank(b) - rank(a))
    const listed: Candidate[] = []
    for (const one of found) {
      const mirrored = listed.findIndex((other) => isMirror(other, one))
      if (mirrored >= 0) listed[mirrored] = newsOf(listed[mirrored] as Candidate, one)
      else if (listed.length < LIMIT) listed.push(one)
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
  readonly steps: Float64Array
  readonly values: Float64Array
  /** Index of the first one at the onset or after it. */
  readonly at: number
}

/** The finite readings around the onset, which is at index `onset` of the record. */
function readingsAround(step: Float64Array, { values, present }: Column, onset: number): Readings {
  const isRead = (i: number): boolean => (present === null || present[i] === 1) && Number.isFinite(values[i])
  const indices = new Int32Array(LOOKED_BEFORE + LOOKED_AFTER)
  let before = LOOKED_BEFORE
  for (let i = onset - 1; i >= 0 && before > 0; i--) if (isRead(i)) indices[--before] = i
  let to = LOOKED_BEFORE
  for (let i = onset; i < step.length && to < indices.length; i++) if (isRead(i)) indices[to++] = i
  const steps = new Float64Array(to - before)
  const kept = new Float64Array(to - before)
  for (let k = before; k < to; k++) {
    const i = indices[k] as number
    steps[k - before] = step[i] as number
    kept[k - before] = values[i] as number
  }
  return { steps, values: kept, at: LOOKED_BEFORE - before }
}

function logs(values: Float64Array): Float64Array {
  const out = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) out[i] = Math.log(values[i] as number)
  return out
}

/** The shift of a metric near the onset, on the log scale where it is positive; `undefined` where it has too few readings. */
function shiftOf(metric: string, readings: Readings, onset: number, bar: number): Candidate | undefined {
  const { steps, values, at } = readings
  if (at === values.length) return undefined
  const isPositive = values.every((value) => value > 0)
  // A learning rate that leaps back was set to a new value, which is worth reporting.
  const shift = levelShift(isPositive ? logs(values) : values, at, bar, isLr(metric))
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
  return { moved, surprise: shift.surprise / (1 + FEW / shift.seen), readings }
}

/**
 * Earlier moves rank higher than larger ones: four times the surprise before the onset, twice at it; and how long the steps
 * took counts a quarter, as it follows from what they did.
 */
function rank({ moved: { metric, lead, effect }, surprise }: Candidate): number {
  const ahead = lead < 0 ? 2 : lead === 0 ? 1 : 0
  return Math.log2(Math.min(surprise, effect, MOST_SURPRISE)) + ahead - (isPace(metric) ? 2 : 0)
}

/** Of two that mirror each other the one that moved more; but not how long the steps took, where the other is something else. */
function newsOf(a: Candidate, b: Candidate): Candidate {
  const [isPaceA, isPaceB] = [isPace(a.moved.metric), isPace(b.moved.metric)]
  if (isPaceA !== isPaceB) return isPaceA ? b : a
  return b.moved.effect > a.moved.effect ? b : a
}

function isMirror(a: Candidate, b: Candidate): boolean {
  const [read, other] = [a.readings, b.readings]
  if (read.values.length !== other.values.length || read.steps[0] !== other.steps[0]) return false
  a.ranks ??= ranks(read.values)
  b.ranks ??= ranks(other.values)
  return Math.abs(correlationOfRanks(a.ranks, b.ranks)) > MIRRORED
}
