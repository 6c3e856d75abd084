import type { Moved } from '../contract.ts'
import type { Column } from '../series/columns.ts'
import { significant } from '../series/round.ts'
import { rankCorrelation } from '../series/statistics.ts'

/** The record around an onset: steps in ascending order, and every metric's readings at them. */
export interface Surroundings {
  readonly step: Float64Array
  readonly metrics: ReadonlyMap<string, Column>
}

/** What is derived from the norm, or is what it is judged by, says nothing of why. */
const DERIVED: ReadonlySet<string> = new Set([
  'grad_norm',
  'post_norm',
  'clip_fraction',
  'max_norm',
  'max_abs_grad',
])

const LAYERS = 'layers/'

const BAR = 4.2
const LIMIT = 5
/** Readings before the onset without which a metric has no band to leave. */
const FEWEST_BEFORE = 12
const FEW = 15
/** Readings out of the band, in a row, that are a move and not an outlier. */
const STAYS_OUT = 3
/** Metrics look around the onset: they may have moved so many readings before it, at the most. */
const LEAD = 50
/** Readings that are looked at on either side of the onset. */
const LOOKED_BEFORE = 250
const LOOKED_AFTER = 100
/** Half the width of the band of earlier values, in robust deviations. */
const BAND = 3
/** From here on two metrics are one piece of news. */
const MIRRORED = 0.98
const ROBUST_SD = 1.4826
/** Differences a quarter of the record apart, over those of neighbours: up to here they may be those of white noise. */
const WHITE = 1.6
const MOST_MEMORY = 3

/**
 * Which metrics moved around an onset: those whose level after it lies many robust deviations from the level before. Look
 * at one metric after the other, then ask what was found: a search can be taken up between others' work.
 *
 * `part`: whose norm it is that has an onset; `null` for the run's.
 */
export class MovedSearch {
  readonly #step: Float64Array
  readonly #onset: number
  readonly #part: string | null
  readonly #bar: number
  readonly #found: { moved: Moved; readings: Readings }[] = []

  constructor(step: Float64Array, onset: number, part: string | null = null, bar = BAR) {
    this.#step = step
    this.#onset = onset
    this.#part = part
    this.#bar = bar
  }

  look(metric: string, column: Column): void {
    if (this.#saysNothing(metric)) return
    const readings = readingsAround(this.#step, column, this.#onset)
    const moved = moveOf(metric, readings, this.#onset, this.#bar)
    if (moved !== undefined) this.#found.push({ moved, readings })
  }

  /** At most five, what moved before the onset ahead of what moved after it, then the largest; of metrics that mirror each other one. */
  found(): Moved[] {
    const found = this.#found.toSorted((a, b) => rank(b.moved) - rank(a.moved))
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

function moveOf(metric: string, { steps, values }: Readings, onset: number, bar: number): Moved | undefined {
  const at = steps.findIndex((step) => step >= onset)
  if (at < FEWEST_BEFORE || values.length - at < STAYS_OUT) return undefined
  const isPositive = values.every((value) => value > 0)
  const scaled = isPositive ? values.map(Math.log) : values
  // A metric may have moved before the norm: its earlier level is read from before that could be.
  const before = scaled.slice(0, Math.max(FEWEST_BEFORE, at - Math.min(LEAD, at >> 1)))
  const level = median(before)
  const noise = noiseOf(before, level)
  const width = BAND * noise
  const isOut = (value: number): boolean => Math.abs(value - level) > width
  const first = firstOut(scaled, before.length, isOut)
  if (first === undefined || first > at + STAYS_OUT * 2) return undefined
  const after = median(scaled.slice(first, first + Math.max(STAYS_OUT, Math.min(before.length, 50))))
  const effect = Math.abs(after - level) / noise
  // Of few readings neither the level nor the scatter is known well.
  if (!(effect >= bar * (1 + 2 * (FEW / before.length) ** 2))) return undefined
  const plain = (value: number): number => significant(isPositive ? Math.exp(value) : value, 4)
  const step = steps[first] as number
  return {
    metric,
    before: plain(level),
    after: plain(after),
    ratio: isPositive ? significant(Math.exp(after - level), 3) : null,
    at_step: step,
    lead: step - onset,
    effect: significant(Math.min(effect, 1e6), 3),
  }
}

/**
 * The robust deviation that the values have by themselves. For a metric that remembers its last values it is larger
 * than they show: such a metric wanders on. A constant has none: any change of it is one.
 */
function noiseOf(before: readonly number[], level: number): number {
  const around = ROBUST_SD * median(before.map((value) => Math.abs(value - level)))
  const farthest = Math.max(...before.map((value) => Math.abs(value - level))) / 3.5
  const near = typicalDifference(before, 1)
  const far = typicalDifference(before, Math.max(1, before.length >> 2))
  const memory = near > 0 ? Math.min(MOST_MEMORY, Math.max(1, far / near / WHITE)) : 1
  return Math.max(memory * Math.max(around, farthest), 1e-9 * Math.abs(level), 1e-300)
}

function typicalDifference(values: readonly number[], lag: number): number {
  return median(values.slice(lag).map((value, i) => Math.abs(value - (values[i] as number))))
}

/** The first place from `from` on where the values leave the band and stay out for three readings on one side. */
function firstOut(
  values: readonly number[],
  from: number,
  isOut: (value: number) => boolean,
): number | undefined {
  let row = 0
  for (let i = from; i < values.length; i++) {
    row = isOut(values[i] as number) ? row + 1 : 0
    if (row === STAYS_OUT) return i - STAYS_OUT + 1
  }
  return undefined
}

/** What moved first is worth more than what moved most: four times the effect before the onset, twice at it. */
function rank({ lead, effect }: Moved): number {
  return Math.log2(effect) + (lead < 0 ? 2 : lead === 0 ? 1 : 0)
}

function isMirror(a: Readings, b: Readings): boolean {
  if (a.values.length !== b.values.length || a.steps[0] !== b.steps[0]) return false
  return Math.abs(rankCorrelation(a.values, b.values)) > MIRRORED
}

/** The middle value; of an even number the upper of the two. */
function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[sorted.length >> 1] as number
}
