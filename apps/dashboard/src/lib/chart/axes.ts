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
  if (mode === 'loss') return { values: (_, splits) => splits.map(figure) }
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

export function yAxis(unit: Unit, palette: Palette): uPlot.Axis {
  return {
    scale: 'y',
    font: FONT,
    stroke: palette.muted,
    size: Y_AXIS_WIDTH,
    gap: 6,
    space: 28,
    grid: { stroke: palette.grid, width: 1 },
    ticks: { show: false },
    values: (u, splits, _axis, _space, incr) => {
      const largest = Math.max(...splits.map(Math.abs))
      const digits = u.scales['y']?.distr === 3 ? 3 : digitsFor(largest, incr)
      const words = unit === 'percent' ? percent : (value: number) => figure(value, digits)
      return splits.map((value) => (value == null ? '' : words(value)))
    },
  }
}

/** The next number of one significant digit, below or above. */
function roundLog(value: number, round: (value: number) => number): number {
  const unit = 10 ** Math.floor(Math.log10(value))
  return round(value / unit) * unit
}

/** The ends of the y axis for readings from `min` to `max`: never inside them, so that no outlier is hidden. */
export function yRange(min: number | null, max: number | null, log: boolean): [number, number] {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max))
    return log ? [0.1, 10] : [0, 1]
  if (log) return [roundLog(min / 1.05, Math.floor), roundLog(max * 1.05, Math.ceil)]
  if (min === max) return min === 0 ? [0, 1] : [min - Math.abs(min) / 2, max + Math.abs(max) / 2]
  const pad = (max - min) * 0.08
  return [min >= 0 && min < pad ? 0 : min - pad, max + pad]
}
