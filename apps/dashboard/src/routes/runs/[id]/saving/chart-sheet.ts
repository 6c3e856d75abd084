import type { Unit } from '#lib/chart/axes.ts'
import type { Picture } from '#lib/chart/chart-spec.ts'
import { bandRuns, type AxisMode } from '#lib/chart/columns.ts'
import type { ColourName } from '#lib/chart/palette.svelte.ts'
import { counted, group } from '#lib/format/number.ts'
import type { RunCharts } from '../run-charts.svelte.ts'
import type { ChartView } from '../chart-view.svelte.ts'

/** A chart of the run page that can be saved. */
export interface SavedChart {
  readonly title: string
  /** The metric as it is logged, with its part. */
  readonly metric: string
  /** What the y axis counts. */
  readonly quantity: string
  readonly picture: Picture
  readonly colour: ColourName
  readonly log: boolean
  readonly unit?: Unit
  readonly fixed?: readonly [number, number]
}

/** How a line of the legend is drawn. */
export type LegendMark = 'line' | 'dashes' | 'dots' | 'band' | 'edge' | 'down' | 'up'

export interface LegendEntry {
  readonly mark: LegendMark
  readonly colour: ColourName
  readonly words: string
}

/** All that stands on a saved chart beside the chart itself. */
export interface ChartSheet {
  readonly title: string
  /** The run, its project and the steps that are shown. */
  readonly about: string
  readonly xName: string
  readonly legend: readonly LegendEntry[]
  /** Name of the file, without its ending. */
  readonly file: string
  readonly mode: AxisMode
  readonly chart: SavedChart
}

/** Findings and events that a legend names one by one; of more it gives the number. */
const NAMED = 3

/** The sheet of a chart as it is on screen now. */
export function chartSheet(chart: SavedChart, charts: RunCharts, view: ChartView): ChartSheet {
  const { id, name, project } = charts.source
  const { from, to } = view.shown
  const steps = `steps ${group(from)} to ${group(to)}`
  const bucket = charts.bucket === 1 ? 'every point' : `${group(charts.bucket)} steps a bucket`
  const zoom = view.range === null ? '' : `-${from}-${to}`
  return {
    title: chart.title,
    about: [name, project, steps, bucket].filter(Boolean).join(' · '),
    xName: xName(view.axis),
    legend: legendOf(chart, charts),
    file: `${id}-${chart.metric}${zoom}`.replaceAll(/[^\w.-]+/g, '-'),
    mode: view.axis,
    chart,
  }
}

function xName(mode: AxisMode): string {
  if (mode === 'step') return 'step'
  if (mode === 'elapsed') return 'since the first point'
  return `wall time (${Intl.DateTimeFormat().resolvedOptions().timeZone})`
}

function legendOf({ picture, colour, quantity }: SavedChart, charts: RunCharts): LegendEntry[] {
  const { columns, min, max, cap, capLabel, smooth, post, nonfinite = [], belowAxis = [] } = picture
  const isSeen = ({ x }: { readonly x: number }) => x >= min && x <= max
  const isBand = bandRuns(columns.min, columns.max).length > 0
  const isClipped = columns.max.some(
    (value, i) => isSeen({ x: columns.x[i] as number }) && value !== null && value > (cap?.[i] ?? Infinity),
  )
  const bad = nonfinite.filter(isSeen).reduce((sum, { count }) => sum + count, 0)
  const entries: (LegendEntry | false | undefined)[] = [
    { mark: 'line', colour, words: isBand ? `${quantity}, the last of each bucket` : quantity },
    isBand && { mark: 'band', colour, words: 'smallest to largest' },
    smooth && { mark: 'line', colour, words: 'moving average (the bold line)' },
    capLabel !== undefined && { mark: 'dashes', colour: 'cap', words: capLabel },
    isClipped && { mark: 'line', colour: 'cap', words: 'above the cap' },
    post && { mark: 'line', colour: 'text', words: 'post-clip' },
    bad > 0 && { mark: 'down', colour: 'nonfinite', words: `${group(bad)} not finite` },
    belowAxis.some(isSeen) && { mark: 'up', colour: 'watch', words: 'at or below 0' },
    ...(picture.guides ?? []).map(({ label }) => ({
      mark: 'dots' as const,
      colour: 'muted' as const,
      words: label,
    })),
  ]
  return [...entries.filter((entry) => !!entry), ...findings(picture, charts), ...events(picture, charts)]
}

function findings({ spans = [], min, max }: Picture, charts: RunCharts): LegendEntry[] {
  const seen = spans.filter(({ from, to }) => to >= min && from <= max)
  const named = seen.slice(0, NAMED).flatMap(({ id, colour }): LegendEntry[] => {
    const title = charts.spans.find((span) => span.id === id)?.title
    return title === undefined ? [] : [{ mark: 'edge', colour, words: title }]
  })
  const rest = seen.length - named.length
  return rest > 0
    ? [...named, { mark: 'edge', colour: 'muted', words: counted(rest, 'more finding') }]
    : named
}

function events({ min, max }: Picture, charts: RunCharts): LegendEntry[] {
  const seen = charts.events.filter(({ step }) => charts.toX(step) >= min && charts.toX(step) <= max)
  const entry = (words: string): LegendEntry => ({ mark: 'dots', colour: 'info', words })
  const named = seen.slice(0, NAMED).map(({ step, label }) => entry(`${label}, step ${group(step)}`))
  const rest = seen.length - named.length
  return rest > 0 ? [...named, entry(counted(rest, 'more event'))] : named
}
