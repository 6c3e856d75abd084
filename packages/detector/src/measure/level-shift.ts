import { findLevelChange } from '../series/change-point.ts'
import { SortedWindow } from '../series/sorted-window.ts'
import { median } from '../series/statistics.ts'

/** A shift of the level near a place, and how unusual it is for these values. */
export interface LevelShift {
  /** Index of the first value off the old level, and of the first one on the new level. */
  readonly start: number
  readonly end: number
  /** Medians of the values before and after. */
  readonly before: number
  readonly after: number
  /** Distance of the medians in robust deviations of the values before. */
  readonly effect: number
  /** Its size over the largest that the values made by themselves before, or are expected to make; above 1 it is unusual. */
  readonly surprise: number
  /** Values before the place by which this was told. */
  readonly seen: number
}

/** Values on either side whose medians are compared: more tell less noise, and more of what only wanders. */
const WINDOWS = [4, 16]
const FEWEST = 3
/** Values before the place without which nothing is known of what they do by themselves. */
const FEWEST_BEFORE = 12
/** A shift may lie so many values before the place, at the most half of them, or so many after it. */
const LEAD = 50
const LAG = 5
/** The largest of some hundred differences of medians is about so many of their standard deviations. */
const LARGEST = 2.4
/** Of the memory that the values show, its upper bound is taken: so many standard errors above. */
const MEMORY_ERRORS = 2
const MOST_MEMORY = 0.995
/** A median scatters by so much more than a mean. */
const OF_MEDIAN = 1.25
const ROBUST_SD = 1.4826
/** A smaller change, relative to its level, is not reported. */
const LEAST_SHARE = 0.002
/** A metric that moves one way in this share of its steps is a counter: a leap back is its restart. */
const ONE_WAY = 0.9
/** Values that tell the levels before and after. */
const LEVEL = 50

/**
 * The shift of level near index `at` that stands out most: the difference between the medians of the values after a place and
 * of those before it, for each place, against the largest such difference at any place before and against what values with
 * this scatter and this memory are expected to make. So saw-teeth, counters and metrics that wander are measured by what they
 * do anyway, without a model of them. `undefined` where there are too few values, where nothing
 * surprises, and where a metric that only rose, or only fell,
 * leaps back: such as a counter that restarts with each epoch. `mayRestart`: such a leap counts, too.
 */
export function levelShift(values: Float64Array, at: number, mayRestart = false): LevelShift | undefined {
  const from = at - Math.min(LEAD, at >> 1)
  const to = Math.min(at + LAG, values.length - FEWEST)
  if (from < FEWEST_BEFORE || to < from) return undefined
  const rough = mostSurprising(values, from, to, from)
  if (rough === undefined || rough.surprise < 1) return undefined
  // once the place is known, all values before it show the metric's normal variation
  const best =
    mostSurprising(values, Math.max(from, rough.place - 2), Math.min(to, rough.place + 2), rough.place) ??
    rough
  if (!mayRestart && leapsBack(values, rough)) return undefined
  return { ...placed(values, best), surprise: best.surprise, seen: rough.place }
}

function leapsBack(values: Float64Array, { place, ahead, isUp }: Place): boolean {
  let up = 0
  let down = 0
  for (let i = Math.max(1, place - LEVEL); i < place + ahead; i++) {
    const move = (values[i] as number) - (values[i - 1] as number)
    if (move > 0) up++
    else if (move < 0) down++
  }
  return up + down > FEWEST && (isUp ? down : up) >= ONE_WAY * (up + down)
}

interface Place {
  readonly place: number
  readonly surprise: number
  readonly width: number
  readonly ahead: number
  readonly isUp: boolean
}

/** The place from `from` to `to` with the most surprising difference; the first `known` values are free of the shift. */
function mostSurprising(values: Float64Array, from: number, to: number, known: number): Place | undefined {
  const before = values.subarray(0, known)
  const level = medianOf(before)
  const scatter = ROBUST_SD * medianOf(before.map((value) => Math.abs(value - level)))
  const memory = scatter === 0 ? 0 : memoryOf(before, level, scatter)
  let best: Place | undefined
  for (const wanted of WINDOWS) {
    const width = Math.min(wanted, Math.max(FEWEST, known >> 2))
    const ahead = Math.min(width, values.length - to)
    const behind = runningMedians(values, width)
    const then = ahead === width ? behind : runningMedians(values, ahead)
    const difference = (place: number) => (then[place] as number) - (behind[place - width] as number)
    const earlier: number[] = []
    for (let place = width; place + ahead <= known; place++) earlier.push(difference(place))
    const centre = earlier.length === 0 ? 0 : median(earlier)
    let largest = Math.max(
      LEAST_SHARE * Math.abs(level),
      1e-300,
      expected(scatter, memory, before.length, width, ahead),
    )
    let next = width
    for (let place = Math.max(from, width); place <= to; place++) {
      for (; next + ahead <= place; next++) largest = Math.max(largest, Math.abs(difference(next) - centre))
      const by = difference(place) - centre
      const surprise = Math.abs(by) / largest
      if (surprise > (best?.surprise ?? 0)) best = { place, surprise, width, ahead, isUp: by > 0 }
    }
  }
  return best
}

/** The largest difference of medians that `count` values with this scatter and this memory are expected to make by themselves. */
function expected(scatter: number, memory: number, count: number, width: number, ahead: number): number {
  const error = Math.sqrt((1 - memory ** 2) / count)
  // an autocorrelation is estimated too low, by this much in the mean (Marriott and Pope 1954)
  const bias = (1 + 3 * memory) / count
  const highest = Math.min(MOST_MEMORY, memory + MEMORY_ERRORS * error + bias)
  const innovation = scatter * Math.sqrt(1 - memory ** 2)
  return LARGEST * OF_MEDIAN * innovation * spreadOf(highest, width, ahead)
}

/** The correlation of neighbours, outliers cut to three deviations; at least 0. */
function memoryOf(values: Float64Array, level: number, scatter: number): number {
  let own = 0
  let crossed = 0
  let last = 0
  for (const value of values) {
    const now = Math.max(-3, Math.min(3, (value - level) / scatter))
    own += now * now
    crossed += now * last
    last = now
  }
  return own === 0 ? 0 : Math.min(MOST_MEMORY, Math.max(0, crossed / own))
}

/**
 * Standard deviation of the mean of `ahead` values less that of the `width` values before them, where each value is `memory`
 * times the last one and an innovation of deviation 1: the weights of the innovations, summed from the newest backwards.
 */
function spreadOf(memory: number, width: number, ahead: number): number {
  let weight = 0
  let sum = 0
  for (let i = ahead - 1; i >= -width; i--) {
    weight = memory * weight + (i < 0 ? -1 / width : 1 / ahead)
    sum += weight * weight
  }
  return Math.sqrt(sum + (memory * weight) ** 2 / (1 - memory * memory))
}

/** Where a shift near `place` begins and ends, by the best jump or ramp there, and what it led from and to. */
function placed(
  values: Float64Array,
  { place, width, ahead }: Place,
): Pick<LevelShift, 'start' | 'end' | 'before' | 'after' | 'effect'> {
  const from = Math.max(0, place - 2 * width)
  const change = findLevelChange([...values.subarray(from, place + ahead + width)])
  const start = change === undefined ? place : from + change.start
  const end = change === undefined ? place : from + change.end
  const old = values.subarray(Math.max(0, start - LEVEL), start)
  const before = medianOf(old)
  const after = medianOf(values.subarray(end, end + LEVEL))
  const scatter = ROBUST_SD * medianOf(old.map((value) => Math.abs(value - before)))
  return { start, end, before, after, effect: Math.abs(after - before) / Math.max(scatter, 1e-300) }
}

/** The medians of the `width` values from each place on. */
function runningMedians(values: Float64Array, width: number): Float64Array {
  const medians = new Float64Array(Math.max(0, values.length - width + 1))
  const window = new SortedWindow(width)
  for (let i = 0; i < values.length; i++) {
    if (i < width) window.insert(values[i] as number)
    else window.replace(values[i - width] as number, values[i] as number)
    if (i >= width - 1) medians[i - width + 1] = window.median()
  }
  return medians
}

/** The middle value, of an even number the upper of the two. */
function medianOf(values: Float64Array): number {
  return values.toSorted()[values.length >> 1] as number
}
