import { bandRuns, mergeMarks, type Mark } from '#lib/chart/columns.ts'
import { FONT_FAMILY } from '#lib/chart/draw.ts'
import type { Palette } from '#lib/chart/palette.svelte.ts'
import type { ChartSheet, LegendEntry } from './chart-sheet.ts'
import type { SheetLayout } from './sheet-layout.ts'

type Column = readonly (number | null)[]

const MARGIN = 16
/** Baselines of the title and of the line under it. */
const TITLE_Y = 30
const ABOUT_Y = 50
/** Of the legend: the first line's middle, the distance of lines, and the room of a mark. */
const LEGEND_Y = 72
const LINE_HEIGHT = 20
const MARK_WIDTH = 24
const GAP = 20
const TITLE = 17
const TEXT = 12
const SMALL = 11
/** Readings further apart than this, in pixels, are points as well as a line. */
const SPARSE = 10

/**
 * A chart as an SVG drawing of its own: title, legend, axes with their names and units, no script and no reference to
 * anything outside. `measure` gives the width of a text in pixels at a size.
 */
export function sheetSvg(
  sheet: ChartSheet,
  layout: SheetLayout,
  palette: Palette,
  measure: (text: string, size: number) => number,
): { readonly svg: string; readonly width: number; readonly height: number } {
  const places = flow(sheet.legend, layout.width - 2 * MARGIN, (words) => measure(words, TEXT))
  const above = LEGEND_Y + ((places.at(-1)?.line ?? 0) + 1) * LINE_HEIGHT + LINE_HEIGHT
  const width = layout.width
  const height = above + layout.height + LINE_HEIGHT
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`,
    ` role="img" font-family="${FONT_FAMILY.replaceAll('"', "'")}" font-size="${TEXT}">`,
    `<title>${escaped(`${sheet.title}, ${sheet.about}`)}</title>`,
    `<rect width="${width}" height="${height}" fill="${palette.surface}"/>`,
    text(MARGIN, TITLE_Y, sheet.title, palette.text, `font-size="${TITLE}" font-weight="600"`),
    text(MARGIN, ABOUT_Y, fitting(sheet.about, width - 2 * MARGIN, measure), palette.muted),
    ...places.map(({ entry, left, line }) => legendEntry(entry, left, line, palette)),
    `<g transform="translate(0 ${above})">`,
    ...axes(sheet, layout, palette),
    ...drawing(sheet, layout, palette),
    '</g></svg>',
  ]
  return { svg: parts.join('\n'), width, height }
}

/** The entries of a legend put one after the other, on as many lines as they need. */
function flow(entries: readonly LegendEntry[], width: number, measure: (words: string) => number) {
  let [left, line] = [MARGIN, 0]
  return entries.map((entry) => {
    const needed = MARK_WIDTH + measure(entry.words)
    if (left > MARGIN && left + needed > width + MARGIN) [left, line] = [MARGIN, line + 1]
    const place = { entry, left, line }
    left += needed + GAP
    return place
  })
}

function legendEntry({ mark, colour, words }: LegendEntry, left: number, line: number, palette: Palette) {
  const y = LEGEND_Y + line * LINE_HEIGHT
  const ink = palette[colour]
  const stroke = (dashes: string) =>
    `<path d="M${left} ${y}h18" stroke="${ink}" stroke-width="2" stroke-dasharray="${dashes}" fill="none"/>`
  const marks = {
    line: stroke('none'),
    dashes: stroke('6 4'),
    dots: stroke('2 3'),
    band: `<rect x="${left}" y="${y - 5}" width="18" height="10" fill="${ink}" opacity="0.3"/>`,
    edge: `<rect x="${left}" y="${y - 6}" width="18" height="12" fill="${ink}" opacity="0.15"/><path d="M${left} ${y - 6}v12" stroke="${ink}" stroke-width="1.5"/>`,
    down: `<path d="M${left + 4} ${y - 4}h10l-5 8.5z" fill="${ink}"/>`,
    up: `<path d="M${left + 4} ${y + 4}h10l-5 -8.5z" fill="${ink}"/>`,
  }
  return marks[mark] + text(left + MARK_WIDTH, y + 4, words, palette.text)
}

function axes({ chart, xName }: ChartSheet, layout: SheetLayout, palette: Palette): string[] {
  const { plot, xTicks, yTicks } = layout
  const [right, bottom] = [plot.left + plot.width, plot.top + plot.height]
  const grid = [
    ...xTicks.map(({ at }) => `M${round(at)} ${round(plot.top)}V${round(bottom)}`),
    ...yTicks.map(({ at }) => `M${round(plot.left)} ${round(at)}H${round(right)}`),
  ]
  const name = chart.log ? `${chart.quantity} (log axis)` : chart.quantity
  return [
    `<path d="${grid.join('')}" stroke="${palette.grid}" fill="none"/>`,
    ...xTicks.map(({ at, words }) =>
      text(at, bottom + 18, words, palette.muted, `text-anchor="middle" font-size="${SMALL}"`),
    ),
    ...yTicks.map(({ at, words }) =>
      text(plot.left - 6, at + 4, words, palette.muted, `text-anchor="end" font-size="${SMALL}"`),
    ),
    text(MARGIN, plot.top - 14, name, palette.muted, `font-size="${SMALL}"`),
    text(right, bottom + 36, xName, palette.muted, `text-anchor="end" font-size="${SMALL}"`),
  ]
}

function drawing({ chart, file }: ChartSheet, layout: SheetLayout, palette: Palette): string[] {
  const { plot, x, y } = layout
  const { columns, cap = [], post, smooth, guides = [], spans = [], events = [] } = chart.picture
  const ink = palette[chart.colour]
  const [top, bottom] = [plot.top, plot.top + plot.height]
  const line = (values: Column, stroke: string, width: number, more = '') =>
    `<path d="${linePath(columns.x, values, layout)}" stroke="${stroke}" stroke-width="${width}" fill="none" stroke-linejoin="round" ${more}/>`
  const readings = (colour: string) =>
    [
      `<path d="${bandPath(chart.picture, layout)}" fill="${colour}" opacity="0.25"/>`,
      line(columns.last, colour, 1.5, smooth ? 'opacity="0.35"' : ''),
      ...points(columns.x, columns.last, layout).map((at) => `<circle ${at} r="2.5" fill="${colour}"/>`),
    ].join('')
  const overCap = aboveCap(chart.picture, layout)
  const whole = `M${plot.left} ${top}h${plot.width}V${bottom}h${-plot.width}Z`
  // Names of their own: several drawings may stand in one page.
  const [inPlot, above, below] = ['plot', 'above', 'below'].map((part) => `${file}-${part}`)
  return [
    `<clipPath id="${inPlot}"><path d="${whole}"/></clipPath>`,
    `<clipPath id="${above}"><path d="${overCap}"/></clipPath>`,
    `<clipPath id="${below}"><path d="${whole}${overCap}" clip-rule="evenodd"/></clipPath>`,
    `<g clip-path="url(#${inPlot})">`,
    ...spans.map(({ from, to, colour }) => {
      const left = round(x(from))
      const width = Math.max(1, round(x(to)) - left)
      return `<rect x="${left}" y="${top}" width="${width}" height="${plot.height}" fill="${palette[colour]}" opacity="0.06"/><path d="M${left} ${top}V${bottom}" stroke="${palette[colour]}" opacity="0.55"/>`
    }),
    ...events.map(
      (at) =>
        `<path d="M${round(x(at))} ${top}V${bottom}" stroke="${palette.info}" stroke-dasharray="1 3" opacity="0.7"/>`,
    ),
    `<path d="${overCap}" fill="${palette.cap}" opacity="0.07"/>`,
    ...guides.map(
      ({ value }) =>
        `<path d="M${plot.left} ${round(y(value))}h${plot.width}" stroke="${palette.muted}" stroke-dasharray="2 4" opacity="0.5"/>`,
    ),
    `<g clip-path="url(#${below})">${readings(ink)}</g>`,
    `<g clip-path="url(#${above})">${readings(palette.cap)}</g>`,
    `<path d="${steppedPath(columns.x, cap, layout)}" stroke="${palette.cap}" stroke-width="1.5" stroke-dasharray="6 4" fill="none"/>`,
    post ? line(post, palette.text, 1.25) : '',
    smooth ? line(smooth, ink, 2) : '',
    ...edgeMarks(chart.picture.nonfinite ?? [], palette.nonfinite, layout, 'top'),
    ...edgeMarks(chart.picture.belowAxis ?? [], palette.watch, layout, 'bottom'),
    '</g>',
  ]
}

/** A line through the values; a `null` breaks it. */
function linePath(at: readonly number[], values: Column, { x, y }: SheetLayout): string {
  let isDown = false
  return values
    .map((value, i) => {
      if (value === null) return ((isDown = false), '')
      const command = isDown ? 'L' : 'M'
      isDown = true
      return `${command}${round(x(at[i] as number))} ${round(y(value))}`
    })
    .join('')
}

/** A line that keeps each value until the next: a cap holds for the steps after it. */
function steppedPath(at: readonly number[], values: Column, { plot, x, y }: SheetLayout): string {
  let before: number | null = null
  const steps = values.map((value, i) => {
    if (value === before) return ''
    const place = round(i === 0 ? Math.min(plot.left, x(at[0] as number)) : x(at[i] as number))
    const end = before === null ? '' : `H${place}`
    const start =
      value === null ? '' : before === null ? `M${place} ${round(y(value))}` : `V${round(y(value))}`
    before = value
    return end + start
  })
  return `${steps.join('')}${before === null ? '' : `H${round(plot.left + plot.width)}`}`
}

/** Readings that a line does not show: those without a neighbour, and all where there are few. */
function points(at: readonly number[], values: Column, { plot, x, y }: SheetLayout): string[] {
  const seen = at.filter((one) => x(one) >= plot.left && x(one) <= plot.left + plot.width).length
  const isSparse = seen * SPARSE < plot.width
  return values.flatMap((value, i) => {
    const isAlone = values[i - 1] == null && values[i + 1] == null
    if (value === null || !(isSparse || isAlone)) return []
    return [`cx="${round(x(at[i] as number))}" cy="${round(y(value))}"`]
  })
}

function bandPath(
  { columns: { x: at, min, max } }: ChartSheet['chart']['picture'],
  { x, y }: SheetLayout,
): string {
  const corner = (i: number, values: Column) =>
    `${round(x(at[i] as number))} ${round(y(values[i] as number))}`
  return bandRuns([...min], [...max])
    .map(([first, last]) => {
      const indices = Array.from({ length: last - first + 1 }, (_, i) => first + i)
      const upper = indices.map((i) => corner(i, max))
      const lower = indices.toReversed().map((i) => corner(i, min))
      return `M${[...upper, ...lower].join('L')}Z`
    })
    .join('')
}

/** The part of the plot above the cap, a cap that steps included; empty without one. */
function aboveCap(
  { cap = [], columns }: ChartSheet['chart']['picture'],
  { plot, x, y }: SheetLayout,
): string {
  const right = plot.left + plot.width
  let path = ''
  for (let i = 0, next = 0; i < cap.length; i = next) {
    const value = cap[i]
    while (next < cap.length && cap[next] === value) next++
    if (value == null) continue
    const from = i === 0 ? plot.left : x(columns.x[i] as number)
    const to = next < cap.length ? x(columns.x[next] as number) : right
    path += `M${round(from)} ${round(plot.top)}H${round(to)}V${round(y(value))}H${round(from)}Z`
  }
  return path
}

/** Triangles on an edge of the plot with the number of readings where there are several. */
function edgeMarks(
  marks: readonly Mark[],
  colour: string,
  layout: SheetLayout,
  edge: 'top' | 'bottom',
): string[] {
  const { plot, x } = layout
  const [y, down] = edge === 'top' ? [plot.top + 1, 1] : [plot.top + plot.height - 1, -1]
  return mergeMarks(marks, x, 30).map(({ x: step, count }) => {
    const at = round(x(step))
    const many = count > 1 ? text(at + 7, y + 9, `×${count}`, colour, `font-size="${SMALL}"`) : ''
    return `<path d="M${at - 5} ${round(y)}h10l-5 ${8.5 * down}z" fill="${colour}"/>${many}`
  })
}

function text(x: number, y: number, words: string, colour: string, more = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" fill="${colour}" ${more}>${escaped(words)}</text>`
}

/** The text, cut where it is wider than there is room. */
function fitting(words: string, width: number, measure: (text: string, size: number) => number): string {
  if (measure(words, TEXT) <= width) return words
  let length = words.length
  while (length > 1 && measure(`${words.slice(0, length)}…`, TEXT) > width) length--
  return `${words.slice(0, length)}…`
}

/** Text as XML can hold it: markup escaped, what XML has no character for left out. */
function escaped(words: string): string {
  return words
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}

/** To a tenth of a pixel. */
const round = (pixels: number) => Math.round(pixels * 10) / 10
