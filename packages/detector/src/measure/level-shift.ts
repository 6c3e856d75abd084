import { findLevelChange } from '../series/change-point.ts'
import { SlidingWindow } from '../series/sliding-window.ts'
import { upperMedian } from '../series/statistics.ts'

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
  /** Values by which its scatter was told. */
  readonly seen: number
}

/** Values on either side whose medians are compared: more tell less noise, and more of what only wanders. */
const WINDOWS = [4, 16]
/** Values on either side of a gap. */
const FEWEST = 3
/** Values before the place without which nothing is known of what they do by themselves. */
const FEWEST_BEFORE = 12
/** A shift may lie so many values before the place, at the most half of them, or so many after it. */
const LEAD = 50
const LAG = 5
/** The largest of some hundred differences of medians is about so many of their standard deviations. */
const LARGEST = 2.4
/** The largest of some hundred gaps is about so many standard deviations of the step from one value to the next, whatever their memory. */
const LARGEST_GAP = 2
/** Of the memory that the values show, its upper bound is taken: so many standard errors above. */
const MEMORY_ERRORS = 2
const MOST_MEMORY = 0.995
/** A median scatters by so much more than a mean. */
const OF_MEDIAN = 1.25
const ROBUST_SD = 1.4826
/** Values that scatter less after a shift than before it are taken for no calmer than this share. */
const CALMER = 0.5
/** A smaller change, relative to its level, is not reported. */
const LEAST_SHARE = 0.002
/** A metric that moves one way in this share of its steps is a counter: a leap back is its restart. */
const ONE_WAY = 0.9
/** Values that tell the levels before and after. */
const LEVEL = 50

/**
 * The shift of level near index `at` that stands out most, measured in two ways at each place: the difference between the
 * medians of the values after it and before it, and the gap between the three values before it and the three after (0 where they
 * overlap), which tells a jump of values that remember. Either against the largest at any place before and against what values
 * with this scatter and this memory are expected to make. So saw-teeth, counters and metrics that wander are measured by what they
 * do anyway. Scatter and memory are told by the values on both sides, each about its own level: few before are enough where many follow.
 * `undefined` where there are too few values, where nothing surprises, and where a metric that only rose, or only fell,
 * leaps back: such as a counter that restarts with each epoch. `bar`: a smaller surprise is no shift; `mayRestart`: such a leap counts, too.
 */
export function levelShift(
  values: Float64Array,
  at: number,
  bar = 1,
  mayRestart = false,
): LevelShift | undefined {
  const from = at - Math.min(LEAD, at >> 1)
  const to = Math.min(at + LAG, values.length - FEWEST)
  if (from < FEWEST_BEFORE || to < from) return undefined
  const contrasts = WINDOWS.flatMap((wanted) => {
    const width = Math.min(wanted, from >> 1)
    const behind = runningMedians(values, width)
    const left = values.length - to
    const all = differences(values, width, behind, width)
    return left < width
      ? [all, differences(values, left, runningMedians(values, left), width, behind)]
      : [all]
  })
  const noise = noiseOf(values, largestPlace(contrasts.at(-1) as Contrast, from, to))
  contrasts.push(gaps(values))
  let best: Place | undefined
  for (const contrast of contrasts) best = mostSurprising(contrast, from, to, noise, best)
  if (best === undefined || best.surprise < bar) return undefined
  if (!mayRestart && leapsBack(values, best)) return undefined
  return { ...placed(values, best), surprise: best.surprise, seen: noise.count }
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

/** How the values on either side of a place differ: `by[place]`, 0 where there are too few. */
interface Contrast {
  readonly by: Float64Array
  /** Values before the place, and from it on, that are looked at. */
  readonly width: number
  readonly ahead: number
  /** The difference that the values make all along, as those of a counter. */
  readonly centre: number
  /** The largest that values with such noise are expected to make. */
  readonly expected: (noise: Noise) => number
}

interface Place extends Pick<Contrast, 'width' | 'ahead'> {
  readonly place: number
  readonly surprise: number
  readonly isUp: boolean
}

/**
 * The median of the `ahead` values from each place on less that of the `width` values before it, of the running medians of
 * as many values.
 */
function differences(
  values: Float64Array,
  ahead: number,
  then: Float64Array,
  width: number,
  behind = then,
): Contrast {
  const by = new Float64Array(values.length)
  for (let place = width; place + ahead <= values.length; place++)
    by[place] = (then[place] as number) - (behind[place - width] as number)
  const centre = upperMedian(by.subarray(width, values.length - ahead + 1))
  return {
    by,
    width,
    ahead,
    centre,
    expected: ({ scatter, memory, highest }) =>
      LARGEST * OF_MEDIAN * scatter * Math.sqrt(1 - memory ** 2) * spreadOf(highest, width, ahead),
  }
}

/** The gap between the three values before each place and the three from it on; 0 where they overlap. */
function gaps(values: Float64Array): Contrast {
  const by = new Float64Array(values.length)
  const least = new Float64Array(values.length)
  const most = new Float64Array(values.length)
  for (let i = 0; i + FEWEST <= values.length; i++) {
    const a = values[i] as number
    const b = values[i + 1] as number
    const c = values[i + 2] as number
    const low = a < b ? a : b
    const high = a < b ? b : a
    least[i] = c < low ? c : low
    most[i] = c > high ? c : high
  }
  for (let place = FEWEST; place + FEWEST <= values.length; place++) {
    const up = (least[place] as number) - (most[place - FEWEST] as number)
    const down = (most[place] as number) - (least[place - FEWEST] as number)
    by[place] = up > 0 ? up : Math.min(0, down)
  }
  return { by, width: 4, ahead: FEWEST, centre: 0, expected: ({ step }) => LARGEST_GAP * step }
}

function largestPlace({ by, centre }: Contrast, from: number, to: number): number {
  let largest = from
  const size = (place: number): number => Math.abs((by[place] as number) - centre)
  for (let place = from + 1; place <= to; place++) if (size(place) > size(largest)) largest = place
  return largest
}

/** The place from `from` to `to` with the most surprising contrast, or the best so far. */
function mostSurprising(
  { by, width, ahead, centre, expected }: Contrast,
  from: number,
  to: number,
  noise: Noise,
  soFar: Place | undefined,
): Place | undefined {
  let best = soFar
  let largest = Math.max(noise.least, expected(noise))
  let next = width
  for (let place = Math.max(from, width); place <= Math.min(to, by.length - ahead); place++) {
    for (; next + ahead <= place; next++) largest = Math.max(largest, Math.abs((by[next] as number) - centre))
    const here = (by[place] as number) - centre
    const surprise = Math.abs(here) / largest
    if (surprise > (best?.surprise ?? 0)) best = { place, surprise, width, ahead, isUp: here > 0 }
  }
  return best
}

/** What values do that stay at their level. */
interface Noise {
  /** Values that tell it. */
  readonly count: number
  /** Robust standard deviation from the level, and of the step from one value to the next. */
  readonly scatter: number
  readonly step: number
  /** Correlation of neighbours, and its upper bound. */
  readonly memory: number
  readonly highest: number
  /** What is too small a share of the level to be news. */
  readonly least: number
}

/** The noise of values that may have shifted at `place`: on either side about the level there. */
function noiseOf(values: Float64Array, place: number): Noise {
  const old = values.subarray(0, place)
  // values on their way to the new level belong to neither
  const later = values.subarray(Math.min(values.length, place + FEWEST))
  const sides = later.length < FEWEST_BEFORE ? [old] : [old, later]
  const levels = sides.map(upperMedian)
  const distances = sides.map((side, i) => distancesFrom(levels[i] as number, side))
  const before = upperMedian(distances[0] as Float64Array)
  const scatter = ROBUST_SD * Math.max(CALMER * before, upperMedian(joined(distances)))
  const count = sides.reduce((sum, side) => sum + side.length, 0)
  const memory = scatter === 0 ? 0 : memoryOf(sides, levels, scatter)
  const error = Math.sqrt((1 - memory ** 2) / count)
  // an autocorrelation is estimated too low, on each side by this much in the mean (Marriott and Pope 1954)
  const bias = (sides.length * (1 + 3 * memory)) / count
  const steps = new Float64Array(values.length - 1)
  for (let i = 1; i < values.length; i++)
    steps[i - 1] = Math.abs((values[i] as number) - (values[i - 1] as number))
  return {
    count,
    scatter,
    step: ROBUST_SD * Math.max(upperMedian(steps), upperMedian(steps.subarray(0, place - 1))),
    memory,
    highest: Math.min(MOST_MEMORY, memory + MEMORY_ERRORS * error + bias),
    least: Math.max(LEAST_SHARE * Math.abs(levels[0] as number), 1e-300),
  }
}

function distancesFrom(level: number, values: Float64Array): Float64Array {
  const distances = new Float64Array(values.length)
  for (let i = 0; i < values.length; i++) distances[i] = Math.abs((values[i] as number) - level)
  return distances
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** The correlation of neighbours, outliers cut to three deviations; at least 0. */
function memoryOf(sides: readonly Float64Array[], levels: readonly number[], scatter: number): number {
  let own = 0
  let crossed = 0
  sides.forEach((side, s) => {
    const level = levels[s] as number
    let last = 0
    for (let i = 0; i < side.length; i++) {
      const now = Math.max(-3, Math.min(3, ((side[i] as number) - level) / scatter))
      own += now * now
      crossed += now * last
      last = now
    }
  })
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
  const before = upperMedian(old)
  const after = upperMedian(values.subarray(end, end + LEVEL))
  const scatter = ROBUST_SD * upperMedian(old.map((value) => Math.abs(value - before)))
  return { start, end, before, after, effect: Math.abs(after - before) / Math.max(scatter, 1e-300) }
}

/** The medians of the `width` values from each place on. */
function runningMedians(values: Float64Array, width: number): Float64Array {
  const medians = new Float64Array(Math.max(0, values.length - width + 1))
  const window = new SlidingWindow(width)
  for (let i = 0; i < values.length; i++) {
    if (i < width) window.push(values[i] as number)
    else window.slide(values[i] as number)
    if (i >= width - 1) medians[i - width + 1] = window.median()
  }
  return medians
}
