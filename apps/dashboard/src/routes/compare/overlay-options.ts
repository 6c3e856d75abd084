import type uPlot from 'uplot'
import { xAxis, yAxis, yRange } from '#lib/chart/axes.ts'
import type { Gestures } from '#lib/chart/chart-spec.ts'
import { faint, fitLines } from '#lib/chart/draw.ts'
import { cursorOptions, gestureHooks } from '#lib/chart/gestures.ts'
import type { OverlayMode } from './overlay.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import { runColour, runDash } from '#lib/chart/run-strokes.ts'

export interface OverlayStyle {
  readonly palette: Palette
  readonly runs: number
  readonly mode: OverlayMode
  readonly log: boolean
  /** Draws the raw lines faint, under smoothed ones. */
  readonly isSmooth: boolean
  readonly group: string
}

/** A chart of one metric of several runs: for each a faint band from smallest to largest, the line of the last reading, and that line smoothed where asked for. */
export function overlayOptions(
  { palette, runs, mode, log, isSmooth, group }: OverlayStyle,
  gestures: Gestures,
): Omit<uPlot.Options, 'width' | 'height'> {
  const series: uPlot.Series[] = [{}]
  const bands: uPlot.Band[] = []
  const lines: number[] = []
  for (let run = 0; run < runs; run++) {
    const stroke = palette[runColour(run)]
    const edge: uPlot.Series = { stroke: faint(stroke, 0.01), points: { show: false }, spanGaps: false }
    const first = series.push(edge, edge) - 2
    bands.push({ series: [first, first + 1], fill: faint(stroke, 0.14) })
    const dash = [...runDash(run)]
    lines.push(series.length)
    series.push(
      isSmooth
        ? { stroke: faint(stroke, 0.2), points: { show: false } }
        : { stroke, dash, points: { show: false } },
      { stroke, dash, width: 2, points: { show: false }, auto: false },
    )
  }
  return {
    padding: [8, 12, 0, 0],
    legend: { show: false },
    cursor: cursorOptions(group, gestures),
    scales: {
      x: { time: false, auto: false, dir: mode === 'loss' ? -1 : 1 },
      y: { distr: log ? 3 : 1, range: (_u, min, max) => yRange(min, max, log) },
    },
    axes: [xAxis(mode, palette, true), yAxis('figure', palette)],
    series,
    bands,
    hooks: { drawClear: [fitLines(lines)], ...gestureHooks(gestures) },
  }
}
