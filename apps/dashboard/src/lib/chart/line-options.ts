import uPlot from 'uplot'
import { PLOT_RIGHT, xAxis, yAxis, yRange, type Unit } from '#lib/chart/axes.ts'
import type { Gestures, Picture } from '#lib/chart/chart-spec.ts'
import type { AxisMode } from '#lib/chart/columns.ts'
import {
  CAP_SERIES,
  drawAboveCap,
  drawBand,
  drawClipped,
  drawEvents,
  drawGuides,
  drawMarks,
  drawSpans,
  faint,
  fitLines,
  forgetPoints,
  LAST_SERIES,
} from '#lib/chart/draw.ts'
import { cursorOptions, gestureHooks } from '#lib/chart/gestures.ts'
import type { ColourName, Palette } from '#lib/chart/palette.svelte.ts'

export interface LineStyle {
  readonly palette: Palette
  readonly colour: ColourName
  readonly mode: AxisMode
  readonly log: boolean
  readonly unit: Unit
  /** Both ends of the y axis where they do not depend on the readings. */
  readonly fixed?: readonly [number, number] | undefined
  readonly showsX: boolean
  /** Draws the raw line faint, under a smoothed one. */
  readonly isRawFaint: boolean
  /** Charts of one group share their cursor. */
  readonly group: string
}

/** A chart of one metric: band from smallest to largest, line of the last reading, the cap with what lies above it. */
export function lineOptions(
  style: LineStyle,
  picture: () => Picture,
  gestures: Gestures,
): Omit<uPlot.Options, 'width' | 'height'> {
  const { palette, colour, log, fixed } = style
  const draw = (...layers: ((u: uPlot, picture: Picture, palette: Palette) => void)[]) =>
    layers.map((layer) => (u: uPlot) => layer(u, picture(), palette))
  // The edges of the band belong to the y axis, and are drawn by `drawBand`.
  const edge: uPlot.Series = { paths: () => null, points: { show: false } }
  return {
    padding: [8, PLOT_RIGHT, style.showsX ? 0 : 6, 0],
    legend: { show: false },
    cursor: cursorOptions(style.group, gestures),
    scales: {
      x: { time: style.mode === 'time', auto: false },
      y: {
        distr: log ? 3 : 1,
        range: (u, min, max) => (fixed ? [...fixed] : yRange(...withCap(u, min, max), log)),
      },
    },
    axes: [xAxis(style.mode, palette, style.showsX), yAxis(style.unit, palette, log)],
    series: [
      {},
      edge,
      edge,
      {
        stroke: faint(palette[colour], style.isRawFaint ? 0.35 : 1),
        points: { size: 5, fill: palette[colour], width: 0 },
      },
      { stroke: palette.cap, width: 1.5, dash: [6, 4], paths: steps, points: { show: false }, auto: false },
      { stroke: palette.text, width: 1.25, points: { show: false } },
      { stroke: palette[colour], width: 2, points: { show: false }, auto: false },
    ],
    hooks: {
      drawClear: [fitLines([LAST_SERIES]), forgetPoints],
      drawAxes: draw(drawSpans, drawEvents, drawAboveCap, drawGuides, drawBand(colour)),
      draw: draw(drawClipped, drawMarks),
      ...gestureHooks(gestures),
    },
  }
}

const steps = uPlot.paths.stepped?.({ align: 1 }) as uPlot.Series.PathBuilder

/** The columns of a picture in the order of the series. */
export function alignedColumns({ columns, cap, post, smooth }: Picture): uPlot.AlignedData {
  const none = () => columns.x.map(() => null)
  return [
    columns.x,
    columns.max,
    columns.min,
    columns.last,
    [...(cap ?? none())],
    [...(post ?? none())],
    [...(smooth ?? none())],
  ]
}

/** The cap is part of the story even where every norm is below or above it, unless it would squeeze them to a line. */
function withCap(u: uPlot, min: number | null, max: number | null): [number | null, number | null] {
  const caps = u.data[CAP_SERIES] as (number | null)[] | undefined
  const cap = caps?.findLast((value) => value !== null)
  if (cap == null || min === null || max === null) return [min, max]
  const isNear = cap > min / 1000 && cap < max * 1000
  return isNear ? [Math.min(min, cap), Math.max(max, cap)] : [min, max]
}
