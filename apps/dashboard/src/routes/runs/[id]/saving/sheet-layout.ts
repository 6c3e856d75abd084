import uPlot from 'uplot'
import type { Gestures } from '#lib/chart/chart-spec.ts'
import { alignedColumns, lineOptions } from '#lib/chart/line-options.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import type { ChartSheet } from './chart-sheet.ts'

export interface Tick {
  readonly at: number
  readonly words: string
}

/** Where everything of a chart lies, in pixels from its upper left corner. */
export interface SheetLayout {
  readonly width: number
  readonly height: number
  readonly plot: {
    readonly left: number
    readonly top: number
    readonly width: number
    readonly height: number
  }
  readonly x: (value: number) => number
  readonly y: (value: number) => number
  readonly xTicks: readonly Tick[]
  readonly yTicks: readonly Tick[]
}

/** Size of the chart itself on a saved sheet, whatever the screen: half a page of A4 at 150 dots per inch. */
const WIDTH = 1000
const HEIGHT = 380

/** What uPlot keeps of an axis that it has drawn: where its grid is, and the words there. */
interface DrawnAxis {
  readonly _splits: readonly number[] | null
  readonly _values: readonly (string | null)[] | null
}

const NO_GESTURES: Gestures = {
  zoomTo: () => undefined,
  zoomAt: () => undefined,
  moveTo: () => undefined,
  reset: () => undefined,
  hover: () => undefined,
  cursor: null,
}

/** Lays a chart out by drawing it once where nobody sees it: scales and ticks are those of the page. */
export async function layOut(sheet: ChartSheet, palette: Palette): Promise<SheetLayout> {
  const { picture, colour, log, unit = 'figure', fixed } = sheet.chart
  const style = { palette, colour, mode: sheet.mode, log, unit, fixed, showsX: true, isRawFaint: false }
  const options = lineOptions({ ...style, group: 'saved' }, () => picture, NO_GESTURES)
  const u = new uPlot({ ...options, width: WIDTH, height: HEIGHT }, undefined, (_, init) => init())
  u.setData(alignedColumns(picture), false)
  u.setScale('x', { min: picture.min, max: picture.max })
  // uPlot draws when this task has ended, before what is asked for after it.
  await new Promise<void>((resolve) => queueMicrotask(resolve))
  const [left = 0, top = 0, width = 0, height = 0] = [
    u.bbox.left,
    u.bbox.top,
    u.bbox.width,
    u.bbox.height,
  ].map((pixels) => pixels / devicePixelRatio)
  const x = (value: number) => left + u.valToPos(value, 'x')
  const y = (value: number) => top + u.valToPos(value, 'y')
  const [xAxis, yAxis] = u.axes as unknown as [DrawnAxis, DrawnAxis]
  const ticks = ({ _splits, _values }: DrawnAxis, place: (value: number) => number) =>
    (_splits ?? []).map((value, i) => ({ at: place(value), words: _values?.[i] ?? '' }))
  const layout = {
    width: WIDTH,
    height: HEIGHT,
    plot: { left, top, width, height },
    x,
    y,
    xTicks: ticks(xAxis, x),
    yTicks: ticks(yAxis, y),
  }
  // Its scales stay what they are; only its element and its listeners go.
  u.destroy()
  return layout
}
