import type uPlot from 'uplot'
import { PLOT_RIGHT, xAxis, Y_AXIS_WIDTH } from '#lib/chart/axes.ts'
import type { Gestures } from '#lib/chart/chart-spec.ts'
import type { AxisMode, RibbonCell } from '#lib/chart/columns.ts'
import { faint } from '#lib/chart/draw.ts'
import { cursorOptions, gestureHooks } from '#lib/chart/gestures.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'

export interface RibbonStyle {
  readonly palette: Palette
  readonly mode: AxisMode
  readonly group: string
}

/** The clip ribbon: one cell a bucket, from blank (no step clipped) to full (every step clipped). */
export function ribbonOptions(
  style: RibbonStyle,
  cells: () => readonly RibbonCell[],
  gestures: Gestures,
): Omit<uPlot.Options, 'width' | 'height'> {
  const { palette, mode, group } = style
  return {
    padding: [2, PLOT_RIGHT, 0, 0],
    legend: { show: false },
    cursor: cursorOptions(group, gestures),
    scales: { x: { time: mode === 'time', auto: false }, y: { range: [0, 1] } },
    axes: [
      { ...xAxis(mode, palette, true), grid: { show: false } },
      { scale: 'y', size: Y_AXIS_WIDTH, values: () => [], grid: { show: false }, ticks: { show: false } },
    ],
    series: [{}, { stroke: 'transparent', points: { show: false } }],
    hooks: { draw: [(u) => drawCells(u, cells(), palette)], ...gestureHooks(gestures) },
  }
}

function drawCells(u: uPlot, cells: readonly RibbonCell[], palette: Palette): void {
  const { left, top, width, height } = u.bbox
  u.ctx.fillStyle = faint(palette.muted, 0.12)
  u.ctx.fillRect(left, top, width, height)
  for (const { from, to, share } of cells) {
    const start = Math.max(left, Math.round(u.valToPos(from, 'x', true)))
    const end = Math.min(left + width, Math.round(u.valToPos(to, 'x', true)))
    if (share === 0 || end < start) continue
    u.ctx.fillStyle = faint(palette.cap, 0.15 + 0.85 * share)
    u.ctx.fillRect(start, top, Math.max(1, end - start), height)
  }
}
