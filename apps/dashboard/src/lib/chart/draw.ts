import type uPlot from 'uplot'
import type { Mark } from '#lib/chart/columns.ts'
import { bandRuns, mergeMarks } from '#lib/chart/columns.ts'
import type { Picture } from '#lib/chart/chart-spec.ts'
import type { ColourName, Palette } from '#lib/chart/palette.svelte.ts'

export const LAST_SERIES = 3
export const CAP_SERIES = 4

const LINE_WIDTH = 1.5
/** A line whose vertical travel is more than this many chart widths fills the area. */
const SMEAR = 4

/** What uPlot keeps of a series it has drawn: the paths (`clip` leaves out the gaps), and that it shifts a line by half its odd width. */
interface Drawn {
  readonly width?: number
  readonly _paths?: { readonly stroke?: Path2D | null; readonly clip?: Path2D | null } | null
  readonly points?: { _paths?: { readonly fill?: Path2D | null } | null }
}

type Draw = (u: uPlot, picture: Picture, palette: Palette) => void

export const FONT_FAMILY = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
const font = (size: number) => `${size * devicePixelRatio}px ${FONT_FAMILY}`
const xPixels = (u: uPlot, x: number) => u.valToPos(x, 'x', true)

/** Whether readings lie closer than every second pixel: then a browser without a graphics processor needs drawing that is cheap. */
function isDense(u: uPlot): boolean {
  const [first = 0, last = 0] = u.series[0]?.idxs ?? []
  return last - first > u.bbox.width / devicePixelRatio / 2
}

/** Whether a line goes up and down over more than a few times the width of its chart: that is a smear however wide it is drawn. */
function isSmear(u: uPlot, line: number): boolean {
  const values = u.data[line] ?? []
  const [first = 0, last = 0] = u.series[0]?.idxs ?? []
  let room = SMEAR * u.bbox.width
  let before: number | undefined
  for (let i = first; i <= last && room > 0; i++) {
    const value = values[i]
    if (value == null) continue
    const y = u.valToPos(value, 'y', true)
    room -= Math.abs(y - (before ?? y))
    before = y
  }
  return room <= 0
}

/**
 * Before a drawing: sets the width of these series' lines, in CSS pixels. A smear of dense readings is drawn as thin as the
 * screen can: that is fifty times as fast.
 */
export const fitLines =
  (lines: readonly number[]) =>
  (u: uPlot): void => {
    for (const line of lines) {
      const series = u.series[line] as uPlot.Series
      series.width = isDense(u) && isSmear(u, line) ? 1 / devicePixelRatio : LINE_WIDTH
    }
  }

/** Before a drawing: forgets the points of the last one. uPlot itself keeps them when the new drawing has no points. */
export function forgetPoints(u: uPlot): void {
  for (const { points } of u.series as unknown as Drawn[]) if (points) points._paths = null
}

/** The colour at an opacity; `colour` is `rgb(…)`, as the palette gives it. */
export function faint(colour: string, alpha: number): string {
  return colour.replace('rgb(', 'rgba(').replace(')', `, ${alpha})`)
}

/** Findings as faint spans with a line where they opened. */
export const drawSpans: Draw = (u, { spans = [] }, palette) => {
  const { left, top, width, height } = u.bbox
  for (const { from, to, colour } of spans) {
    const opened = xPixels(u, from)
    const start = Math.max(left, opened)
    const end = Math.min(left + width, Math.max(xPixels(u, to), start + 1))
    if (end <= left || start >= left + width) continue
    u.ctx.fillStyle = faint(palette[colour], 0.06)
    u.ctx.fillRect(start, top, end - start, height)
    if (opened < left) continue
    u.ctx.fillStyle = faint(palette[colour], 0.55)
    u.ctx.fillRect(start, top, devicePixelRatio, height)
  }
}

/** Horizontal levels; their names stand in the legend, where no curve runs over them. */
export const drawGuides: Draw = (u, { guides = [] }, palette) => {
  const { left, width } = u.bbox
  u.ctx.save()
  for (const { value } of guides) {
    const y = Math.round(u.valToPos(value, 'y', true))
    u.ctx.strokeStyle = faint(palette.muted, 0.5)
    u.ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio])
    strokeLine(u.ctx, left, y, left + width, y)
  }
  u.ctx.restore()
}

/** Events as fine vertical lines. */
export const drawEvents: Draw = (u, { events = [] }, palette) => {
  const { left, top, width, height } = u.bbox
  u.ctx.save()
  u.ctx.strokeStyle = faint(palette.info, 0.5)
  u.ctx.setLineDash([devicePixelRatio, 3 * devicePixelRatio])
  let before = -Infinity
  for (const x of events) {
    const at = Math.round(xPixels(u, x))
    if (at < left || at > left + width || at - before < 2 * devicePixelRatio) continue
    strokeLine(u.ctx, at, top, at, top + height)
    before = at
  }
  u.ctx.restore()
}

/** The region above the cap, a cap that steps included. */
export const drawAboveCap: Draw = (u, picture, palette) => {
  const region = besideCap(u, picture, 'above')
  if (region === null) return
  u.ctx.fillStyle = faint(palette.cap, 0.07)
  u.ctx.fill(region)
}

/** From the smallest to the largest reading of each bucket: a spike stays visible however wide the bucket is. What is above the cap is `drawClipped`'s. */
export const drawBand =
  (colour: ColourName): Draw =>
  (u, picture, palette) => {
    const below = besideCap(u, picture, 'below')
    u.ctx.save()
    if (below !== null) u.ctx.clip(below)
    paintBand(u, picture, palette[colour])
    u.ctx.restore()
  }

/** The norm once more in the cap's colour where it is above the cap: the stretches that were clipped. */
export const drawClipped: Draw = (u, picture, palette) => {
  const region = besideCap(u, picture, 'above')
  if (region === null) return
  const last = u.series[LAST_SERIES] as Drawn
  const width = (last.width ?? LINE_WIDTH) * devicePixelRatio
  u.ctx.save()
  u.ctx.clip(region)
  paintBand(u, picture, palette.cap)
  u.ctx.globalAlpha = picture.smooth ? 0.35 : 1
  u.ctx.translate((width % 2) / 2, (width % 2) / 2)
  u.ctx.setLineDash([])
  u.ctx.lineWidth = width
  u.ctx.strokeStyle = u.ctx.fillStyle = palette.cap
  if (last.points?._paths?.fill) u.ctx.fill(last.points._paths.fill)
  if (last._paths?.clip) u.ctx.clip(last._paths.clip)
  if (last._paths?.stroke) u.ctx.stroke(last._paths.stroke)
  u.ctx.restore()
}

/** ▽ on the top edge for NaN and ±Infinity with their count, △ on the bottom edge for what a log axis cannot show. */
export const drawMarks: Draw = (u, { nonfinite = [], belowAxis = [] }, palette) => {
  drawEdgeMarks(u, nonfinite, palette.nonfinite, 'top')
  drawEdgeMarks(u, belowAxis, palette.watch, 'bottom')
}

function drawEdgeMarks(u: uPlot, marks: readonly Mark[], colour: string, edge: 'top' | 'bottom'): void {
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  const size = 5 * devicePixelRatio
  const down = edge === 'top' ? 1 : -1
  const y = edge === 'top' ? top + devicePixelRatio : top + height - devicePixelRatio
  ctx.save()
  ctx.font = font(11)
  ctx.textAlign = 'left'
  ctx.textBaseline = edge === 'top' ? 'top' : 'bottom'
  ctx.fillStyle = colour
  for (const { x, count } of mergeMarks(marks, (at) => xPixels(u, at), 9 * size)) {
    const at = xPixels(u, x)
    if (at < left - size || at > left + width + size) continue
    ctx.beginPath()
    ctx.moveTo(at - size, y)
    ctx.lineTo(at + size, y)
    ctx.lineTo(at, y + down * 1.7 * size)
    ctx.fill()
    if (count > 1) ctx.fillText(`×${count}`, at + 1.3 * size, y)
  }
  ctx.restore()
}

function paintBand(u: uPlot, picture: Picture, colour: string): void {
  if (isDense(u)) return paintBars(u, picture, colour)
  const { ctx } = u
  const { x, min, max } = picture.columns
  const y = (value: number) => u.valToPos(value, 'y', true)
  ctx.beginPath()
  for (const [first, last] of bandRuns(min, max)) {
    ctx.moveTo(xPixels(u, x[first] as number), y(max[first] as number))
    for (let i = first + 1; i <= last; i++) ctx.lineTo(xPixels(u, x[i] as number), y(max[i] as number))
    for (let i = last; i >= first; i--) ctx.lineTo(xPixels(u, x[i] as number), y(min[i] as number))
    ctx.closePath()
  }
  ctx.fillStyle = faint(colour, 0.2)
  ctx.fill()
  ctx.lineWidth = devicePixelRatio
  ctx.strokeStyle = faint(colour, 0.25)
  ctx.setLineDash([])
  ctx.stroke()
}

/** A dense band as a bar a bucket: a tenth of the work of a polygon. */
function paintBars(u: uPlot, { columns: { x, min, max } }: Picture, colour: string): void {
  const [first = 0, last = 0] = u.series[0]?.idxs ?? []
  u.ctx.fillStyle = faint(colour, 0.4)
  for (let i = first; i <= last; i++) {
    const [low, high] = [min[i], max[i]]
    if (low == null || high == null || low === high) continue
    const [left, top] = [xPixels(u, x[i] as number), u.valToPos(high, 'y', true)]
    const right = i < last ? xPixels(u, x[i + 1] as number) : left
    u.ctx.fillRect(left, top, Math.max(1, right - left), u.valToPos(low, 'y', true) - top)
  }
}

/**
 * The part of the plot on one side of the cap, which may change at steps; without a cap everything is below it. `null` if
 * that side is empty. Made of rectangles, as clipping to them is cheap.
 */
function besideCap(u: uPlot, { cap }: Picture, side: 'above' | 'below'): Path2D | null {
  const x = u.data[0]
  if (cap === undefined || x === undefined || cap.every((value) => value == null)) return null
  const { left, top, width, height } = u.bbox
  const region = new Path2D()
  for (let i = 0, next = 0; i < cap.length; i = next) {
    const value = cap[i]
    while (next < cap.length && cap[next] === value) next++
    const from = i === 0 ? left : Math.max(left, xPixels(u, x[i] as number))
    const to = next < cap.length ? Math.min(left + width, xPixels(u, x[next] as number)) : left + width
    const y = value == null ? top : Math.min(top + height, Math.max(top, u.valToPos(value, 'y', true)))
    if (to <= from) continue
    if (side === 'above') region.rect(from, top, to - from, y - top)
    else region.rect(from, y, to - from, top + height - y)
  }
  return region
}

function strokeLine(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  ctx.moveTo(x0, y0)
  ctx.lineTo(x1, y1)
  ctx.stroke()
}
