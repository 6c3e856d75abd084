import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { causeTitle, movedWords, wordsOfKind } from '@normwatch/detector'
import {
  LAYER_PREFIX,
  MAX_BUCKETS,
  type Finding,
  type FindingList,
  type Run,
  type RunEvent,
  type RunEventList,
  type SeriesReply,
} from '@normwatch/protocol'
import { layout } from '../../layout.ts'
import { Failure } from '../failures.ts'
import { figure, percent, whole } from '../figures.ts'
import type { Server } from '../server.ts'
import { layerMap, type LayerMap } from './layer-map.ts'

/** Most bytes of the page: buckets are made larger until it fits. */
const MAX_BYTES = 1_000_000
const MAX_CHARTS = 16
const MAX_FINDINGS = 200
/** Events that are marked and listed; of more the page gives the number. */
const MAX_EVENTS = 300
/** The metric of a cap that changes. */
const CAP = 'max_norm'
/** Metrics that come first. */
const FIRST = ['grad_norm', 'loss', 'lr']

/** A chart of the page: by piece of the record the mean, and where a piece has several steps the extremes. */
interface Chart {
  readonly name: string
  readonly step: readonly number[]
  readonly mean: readonly (number | null)[]
  readonly min?: readonly (number | null)[]
  readonly max?: readonly (number | null)[]
  /** Steps of buckets with a non-finite reading. */
  readonly nonfinite: readonly number[]
  /** The cap of the norm: one for all steps, or one a step. */
  readonly cap: number | readonly (number | null)[] | null
}

/** What stands beside the readings. */
interface Story {
  readonly findings: readonly Finding[]
  readonly events: readonly RunEvent[]
  readonly layers: LayerMap | undefined
}

/** The run as one page that needs no server and no network: charts to pan and zoom, facts and findings. */
export async function* htmlPage(
  server: Server,
  run: Run,
  metric: readonly string[] | undefined,
): AsyncGenerator<string> {
  const path = `/runs/${encodeURIComponent(run.id)}`
  const metrics = (metric ?? metricsOf(run)).slice(0, MAX_CHARTS)
  const [{ findings }, { events }, layers] = await Promise.all([
    server.get<FindingList>(`${path}/findings`, { limit: MAX_FINDINGS }),
    server.get<RunEventList>(`${path}/events`),
    layerMap(server, run),
  ])
  // the caps of the norms, where they were logged step by step
  const caps = metrics
    .map((name) => name.replace(/^grad_norm(?=\/|$)/, CAP))
    .filter((name) => name.split('/')[0] === CAP && name in run.latest)
  for (let pieces = MAX_BUCKETS; pieces >= 50; pieces = Math.floor(pieces / 2)) {
    const query = { metric: [...metrics, ...caps], max_points: pieces }
    const reply = metrics.length === 0 ? undefined : await server.get<SeriesReply>(`${path}/series`, query)
    const page = pageOf(run, { findings, events, layers }, reply)
    if (Buffer.byteLength(page) <= MAX_BYTES) return yield page
  }
  throw new Failure('The run has too much to say for a page: name its metrics with --metric.')
}

/** Logged metrics, the well-known ones first; layers are too many. */
function metricsOf({ latest }: Run): string[] {
  const names = Object.keys(latest).filter(
    (name) => !name.startsWith(LAYER_PREFIX) && name.split('/')[0] !== CAP,
  )
  // the norms of parts come after the run's own, and their losses too
  const place = (name: string) => {
    const at = FIRST.indexOf(name.split('/')[0] as string)
    return at < 0 ? FIRST.length : at
  }
  return names.sort((a, b) => place(a) - place(b))
}

function pageOf(run: Run, { findings, events, layers }: Story, reply: SeriesReply | undefined): string {
  const all = reply?.series ?? {}
  const charts = Object.entries(all)
    .filter(([name]) => name.split('/')[0] !== CAP)
    .map(([name, series]) => chartOf(name, series, capOf(name, series, run, all)))
  const data = {
    title: run.name,
    facts: factsOf(run, reply),
    charts: charts.filter(({ step }) => step.length > 0),
    findings: findings.map(cardOf),
    events: events.slice(0, MAX_EVENTS).map(({ step, label, text }) => ({ step, label, text })),
    moreEvents: Math.max(0, events.length - MAX_EVENTS),
    layers,
  }
  const [title, style, ours, chart, heatMap, script] = [
    escaped(run.name),
    ...['uPlot.min.css', 'page.css', 'uPlot.iife.min.js', 'layers.js', 'page.js'].map((file) =>
      readFileSync(join(file.startsWith('uPlot') ? layout.uplot : layout.exportPage, file), 'utf8'),
    ),
  ]
  // in JSON, "<" only occurs in strings, so no name can end the element
  const json = JSON.stringify(data, rounded).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}${ours}</style>
</head>
<body>
<main><noscript>This page draws its charts with JavaScript.</noscript></main>
<script type="application/json" id="data">${json}</script>
<script>${chart}</script>
<script>${heatMap}</script>
<script>${script}</script>
</body>
</html>
`
}

type Series = SeriesReply['series'][string]

/** The cap of a norm, of a part's too: as it was logged by step, else the run's or the part's own. */
function capOf(name: string, { step }: Series, run: Run, all: SeriesReply['series']): Chart['cap'] {
  const [, of, part] = /^(grad_norm)(?:\/(.+))?$/.exec(name) ?? []
  const clip = part === undefined ? run.clip : run.parts.find((one) => one.name === part)?.clip
  if (of === undefined || clip === undefined || clip.mode === 'value') return null
  const own = asNumber(clip.max_norm)
  const logged = all[part === undefined ? CAP : `${CAP}/${part}`]
  if (logged === undefined || logged.step.length === 0) return own
  return step.map((at) => {
    const i = logged.step.findLastIndex((from) => from <= at)
    return i < 0 ? own : asNumber(logged.last[i])
  })
}

function chartOf(name: string, series: Series, cap: Chart['cap']): Chart {
  const nonfinite = series.step.filter((_, i) => (series.nonfinite[i] ?? 0) > 0)
  const isWhole = series.count.every((count) => count <= 1)
  const extremes = isWhole ? {} : { min: series.min, max: series.max }
  return { name, step: series.step, mean: series.mean, ...extremes, nonfinite, cap }
}

const asNumber = (cap: unknown): number | null => (typeof cap === 'number' ? cap : null)

function factsOf(run: Run, reply: SeriesReply | undefined): (readonly [string, string])[] {
  const { clip, clipping } = run
  const cap = clip.mode === 'value' ? clip.clip_value : clip.max_norm
  const bucket = reply?.bucket ?? 1
  return [
    ['Run', `${run.project} / ${run.id}`],
    ['Health', `${run.health}, ${run.status}`],
    ['Steps', `${whole(run.points)} logged, last ${whole(run.last_step)}`],
    ['Cap', cap === null || cap === undefined ? 'none' : `${clip.mode} ${figure(cap)}`],
    [
      'Clipped',
      `${percent(clipping.rate_total)} of the steps, ${percent(clipping.rate)} of the last ${clipping.window}`,
    ],
    ['Newest', `norm ${figure(run.latest['grad_norm'])}, loss ${figure(run.latest['loss'])}`],
    ['Non-finite', whole(run.nonfinite)],
    [
      'Resolution',
      bucket === 1
        ? 'every logged step'
        : `${whole(bucket)} steps a point: the line is their mean, the band their smallest and largest`,
    ],
    ['Saved', `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC; it changes no more`],
  ]
}

function cardOf({ kind, severity, state, opened_step, closed_step, onset, part, diagnosis, moved }: Finding) {
  const from = onset ?? opened_step
  const until = state === 'open' ? 'still open at the end' : `until step ${whole(closed_step)}`
  return {
    severity,
    from,
    to: closed_step,
    title: `${wordsOfKind(kind).title}${part === null ? '' : ` (${part})`}`,
    when: `from step ${whole(from)}, seen at step ${whole(opened_step)}, ${until}`,
    lines: [
      ...diagnosis.slice(0, 3).map(({ cause, because }) => `${causeTitle(cause)}: ${because}`),
      ...moved.slice(0, 3).map(movedWords),
    ],
  }
}

/** Five significant digits: finer than a pixel. Steps stay exact. */
const rounded = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
