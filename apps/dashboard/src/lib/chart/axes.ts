import type uPlot from 'uplot'
import type { AxisMode } from '#lib/chart/columns.ts'
import { FONT_FAMILY } from '#lib/chart/draw.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import { count, digitsFor, figure, group, percent } from '#lib/format/number.ts'
import { duration, instant } from '#lib/format/time.ts'

/** Width of every y axis in CSS pixels, so that stacked charts share one x axis. */
export const Y_AXIS_WIDTH = 56
/** Room right of every plot in CSS pixels, for the half of a label. `app.css` has both as `--plot-left` and `--plot-right`. */
export const PLOT_RIGHT = 24
const X_AXIS_HEIGHT = 26

const FONT = `11px ${FONT_FAMILY}`
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]
const STEPS = [1, 2, 5].flatMap((unit) => Array.from({ length: 16 }, (_, power) => unit * 10 ** power))

export type Unit = 'figure' | 'percent'

/** The x axis; hidden where the chart below carries it. */
export function xAxis(mode: AxisMode | 'loss', palette: Palette, isShown: boolean): uPlot.Axis {
  return {
    scale: 'x',
    show: true,
    font: FONT,
    stroke: palette.muted,
    size: isShown ? X_AXIS_HEIGHT : 0,
    gap: 4,
    space: (_u, _axis, min, max) => (mode === 'step' ? widthOfStep(min, max) : 72),
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
    ...(mode === 'step' && { incrs: STEPS.sort((a, b) => a - b) }),
    ...(mode === 'elapsed' && { incrs: [...SECONDS, ...STEPS.map((days) => days * 86400)] }),
    ...xValues(mode, isShown),
  }
}

function xValues(mode: AxisMode | 'loss', isShown: boolean): Pick<uPlot.Axis, 'values'> {
  if (!isShown) return { values: (_, splits) => splits.map(() => '') }
  if (mode === 'step')
    return { values: (_, splits, _axis, _space, incr) => splits.map(stepWords(splits.at(-1) ?? 0, incr)) }
  if (mode === 'loss')
    return { values: (_, splits, _axis, _space, incr) => splits.map(figureWords(splits, incr)) }
  if (mode === 'elapsed')
    return { values: (_, splits) => splits.map((value) => (value === 0 ? '0' : duration(value))) }
  return { values: (_, splits, _axis, _space, incr) => splits.map((value) => clockTime(value, incr)) }
}

/** Steps as `12.3k` where that tells them apart, else with all their digits. */
export function stepWords(largest: number, distance: number): (step: number) => string {
  return digitsFor(largest, distance) > 3 ? group : count
}

/** CSS pixels that the label of a step takes on an axis between these ends. */
function widthOfStep(min: number, max: number): number {
  return stepWords(max, (max - min) / 12) === group ? 20 + 6 * group(Math.round(max)).length : 72
}

/** An instant on an axis whose labels are `incr` seconds apart: a day, or the time of day in 24 hours. */
function clockTime(seconds: number, incr: number): string {
  const [date, time] = instant(seconds * 1000).split(' ') as [string, string]
  if (incr >= 86_400 || time === '00:00:00') return date.slice(5)
  return incr >= 60 ? time.slice(0, 5) : time
}

/** Figures on an axis that has them so far apart, with as many digits as tell them apart. */
export function figureWords(splits: readonly number[], distance: number): (value: number) => string {
  const digits = digitsFor(Math.max(...splits.map(Math.abs)), distance)
  return (value) => figure(value, digits)
}

export function yAxis(unit: Unit, palette: Palette, log: boolean): uPlot.Axis {
  return {
    scale: 'y',
    font: FONT,
    stroke: palette.muted,
    size: Y_AXIS_WIDTH,
    gap: 6,
    space: 28,
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
    // uPlot's own ticks of a log axis do not come to an end below 1e-20
    ...(log && { incrs: [Infinity], splits: (_u, _axis, min, max) => logTicks(min, max) }),
    values: (_, splits, _axis, _space, incr) => {
      const figures = log ? (value: number) => figure(value) : figureWords(splits, incr)
      const words = unit === 'percent' ? percent : figures
      return splits.map((value) => (value == null ? '' : words(value)))
    },
  }
}

/** Powers of ten and, over few of them, their multiples, from `min` to `max`, both above 0. */
export function logTicks(min: number, max: number): number[] {
  const [first, last] = [Math.floor(Math.log10(min)), Math.ceil(Math.log10(max))]
  const multiples = last - first > MOST_DECADES ? [1] : [1, 2, 3, 4, 5, 6, 7, 8, 9]
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i)
  const ticks = powers.flatMap((power) => multiples.map((multiple) => Number(`${multiple}e${power}`)))
  const [least, most] = [min * (1 - ROUNDING), Math.min(Number.MAX_VALUE, max * (1 + ROUNDING))]
  // the smallest float64 are so coarse that several multiples are the same number
  return [...new Set(ticks)].filter((tick) => tick > 0 && tick >= least && tick <= most)
}
/** Powers of ten on a log axis that has their multiples too. */
const MOST_DECADES = 12
/** The ends of a log axis are round numbers but for the rounding of float64. */
const ROUNDING = 1e-9

/** The next number of one significant digit, below or above. */
function roundLog(value: number, round: (value: number) => number): number {
  const unit = Math.max(Number.MIN_VALUE, 10 ** Math.floor(Math.log10(value)))
  return Math.max(1, round(value / unit)) * unit
}

/** The part of its largest reading that a linear axis spans at least: ticks closer than float64 tells apart would be endless. */
const LEAST_SPAN = 1e-10

/** The ends of the y axis for readings from `min` to `max`: never inside them, so that no outlier is hidden. */
export function yRange(min: number | null, max: number | null, log: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max))
    return log ? [0.1, 10] : [0, 1]
  if (log) {
    const above = roundLog(Math.min(Number.MAX_VALUE, max * 1.05), Math.ceil)
    return [roundLog(min / 1.05, Math.floor), Math.min(Number.MAX_VALUE, above)]
  }
  if (min === max) return min === 0 ? [0, 1] : [min - Math.abs(min) / 2, max + Math.abs(max) / 2]
  const pad = Math.max((max - min) * 0.08, Math.abs(max) * LEAST_SPAN)
  return [min >= 0 && min < pad ? 0 : min - pad, Math.min(Number.MAX_VALUE, max + pad)]
}
