import type uPlot from 'uplot'
import { PLOT_RIGHT, xAxis, yAxis, yRange } from '#lib/chart/axes.ts'
import type { Gestures } from '#lib/chart/chart-spec.ts'
import { faint, fitLines, FONT_FAMILY } from '#lib/chart/draw.ts'
import { cursorOptions, gestureHooks } from '#lib/chart/gestures.ts'
import type { OverlayMode } from './overlay.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import { runColour, runDash } from '#lib/chart/run-strokes.ts'
import { shortNames } from './names-apart.ts'

export interface OverlayStyle {
  readonly palette: Palette
  /** The names of the runs, in order. */
  readonly names: readonly string[]
  readonly mode: OverlayMode
  readonly log: boolean
  /** Draws the raw lines faint, under smoothed ones. */
  readonly isSmooth: boolean
  readonly group: string
}

/** Room for the names at the end of the lines, in CSS pixels. */
const NAME_WIDTH = 128
/** Characters of a name that fit there, and pixels from one name to the next. */
const NAME_LENGTH = 18
const NAME_APART = 13

/** The name of each run where its line ends, moved apart where they would overlap: beside the plot, over no line. */
function drawNames(u: uPlot, lines: readonly number[], names: readonly string[], palette: Palette): void {
  const [first = 0, last = 0] = u.series[0]?.idxs ?? []
  const isReversed = u.scales['x']?.dir === -1
  const ends = lines.flatMap((line, run) => {
    const seen = Array.from(u.data[line] ?? []).slice(first, last + 1)
    const value = isReversed ? seen.find((one) => one != null) : seen.findLast((one) => one != null)
    return value == null ? [] : [{ run, y: u.valToPos(value, 'y', true) }]
  })
  ends.sort((a, b) => a.y - b.y)
  const { left, top, width, height } = u.bbox
  const apart = NAME_APART * devicePixelRatio
  u.ctx.save()
  u.ctx.font = `${11 * devicePixelRatio}px ${FONT_FAMILY}`
  u.ctx.textAlign = 'left'
  u.ctx.textBaseline = 'middle'
  const short = shortNames(names, NAME_LENGTH)
  let free = top + apart / 2
  ends.forEach(({ run, y }, i) => {
    const lowest = top + height - (ends.length - i - 0.5) * apart
    const at = Math.max(free, Math.min(y, lowest))
    free = at + apart
    u.ctx.fillStyle = palette[runColour(run)]
    u.ctx.fillText(short[run] ?? '', left + width + 5 * devicePixelRatio, at)
  })
  u.ctx.restore()
}

/** A chart of one metric of several runs: for each a faint band from smallest to largest, the line of the last reading, and that line smoothed where asked for. */
export function overlayOptions(
  { palette, names, mode, log, isSmooth, group }: OverlayStyle,
  gestures: Gestures,
): Omit<uPlot.Options, 'width' | 'height'> {
  // On a phone the legend alone names the runs: the lines need the width.
  const hasRoom = innerWidth > 700
  const series: uPlot.Series[] = [{}]
  const bands: uPlot.Band[] = []
  /** Those with the last readings; each has its smoothed one after it. */
  const lines: number[] = []
  const named = () => lines.map((line) => (isSmooth ? line + 1 : line))
  for (let run = 0; run < names.length; run++) {
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
    padding: [8, hasRoom ? NAME_WIDTH : PLOT_RIGHT, 0, 0],
    legend: { show: false },
    cursor: cursorOptions(group, gestures),
    scales: {
      x: { time: mode === 'time', auto: false, dir: mode === 'loss' ? -1 : 1 },
      y: { distr: log ? 3 : 1, range: (_u, min, max) => yRange(min, max, log) },
    },
    axes: [xAxis(mode, palette, true), yAxis('figure', palette, log)],
    series,
    bands,
    hooks: {
      drawClear: [fitLines(lines)],
      draw: hasRoom ? [(u) => drawNames(u, named(), names, palette)] : [],
      ...gestureHooks(gestures),
    },
  }
}
