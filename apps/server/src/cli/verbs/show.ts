import {
  metricOf,
  type Finding,
  type FindingList,
  type Run,
  type SeriesReply,
  type WireNumber,
} from '@normwatch/protocol'
import { layerWords, movedWords, siblingWords, wordsOfKind } from '@normwatch/detector'
import type { Command } from 'commander'
import { figure, percent, whole } from '../figures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'
import { sparkline } from '../sparkline.ts'
import { inColumns } from '../table.ts'
import { wrapped } from '../wrapped.ts'

/** Buckets of the norm asked for: at most as many as a line has room for. */
const BUCKETS = 60
const WIDTH = 80

export function addTo(program: Command): void {
  program
    .command('show')
    .description('shows a run: its norm against its cap, what clipping did, findings')
    .argument('<run>', 'its id, or how it begins')
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch show toy'))
    .action(async (given: string, { json }: { json?: true }) => {
      const server = serverFromEnvironment()
      const run = await findRun(server, given)
      const metrics = normsOf(run).map(({ metric }) => metric)
      const [list, norms] = await Promise.all([
        server.get<FindingList>(`/runs/${run.id}/findings`, { limit: 20 }),
        server.get<SeriesReply>(`/runs/${run.id}/series`, { metric: metrics, max_points: BUCKETS }),
      ])
      if (json) return console.log(JSON.stringify({ run, findings: list.findings }))
      for (const line of describe(run, norms)) console.log(line)
      for (const finding of list.findings) for (const line of describeFinding(finding)) console.log(line)
      if (list.findings.length === 0) console.log('\nNo findings.')
      if (list.next_cursor !== null)
        console.error(`Only the newest ${list.findings.length} findings; findings --run shows more.`)
    })
}

/** The streams of gradients that have a norm: the run's own, and its parts'. */
function normsOf({ clip, parts, latest }: Run) {
  const own = { name: '', metric: 'grad_norm', clip }
  const ofParts = parts.map((part) => ({
    name: part.name,
    metric: metricOf('grad_norm', part.name),
    clip: part.clip,
  }))
  return 'grad_norm' in latest || ofParts.length === 0 ? [own, ...ofParts] : ofParts
}

function describe(run: Run, { series }: SeriesReply): string[] {
  const { clip, clipping, latest, parts } = run
  const facts = [
    ['project', run.project],
    ['health', `${run.health}, ${run.status}`],
    ['steps', `${whole(run.points)} logged, last ${whole(run.last_step)}`],
    ...(parts.length > 0 && latest['grad_norm'] === undefined
      ? []
      : [
          ['cap', capWords(clip)],
          ['norm', figure(latest['grad_norm'])],
          ['loss', figure(latest['loss'])],
          ['clipped', clippedWords(clipping)],
        ]),
    ['non-finite', whole(run.nonfinite)],
  ]
  const title = run.name === run.id ? run.id : `${run.id}: ${run.name}`
  return [
    title.slice(0, WIDTH),
    ...inColumns(facts, WIDTH),
    ...(parts.length === 0 ? [] : ['', ...inColumns(partRows(run), WIDTH, [0])]),
    ...normsOf(run).flatMap((norm) => course(norm, series[norm.metric])),
  ]
}

function partRows({ parts }: Run): string[][] {
  return [
    ['PART', 'HEALTH', 'CAP', 'NORM', 'LOSS', 'CLIPPED'],
    ...parts.map(({ name, health, clip, latest, clipping }) => [
      name,
      health,
      capWords(clip),
      figure(latest['grad_norm']),
      figure(latest['loss']),
      percent(clipping.rate),
    ]),
  ]
}

function capOf(clip: Run['clip']): number | null {
  return clip.mode === 'value' ? clip.clip_value : (clip.max_norm ?? null)
}

function capWords(clip: Run['clip']): string {
  const cap = capOf(clip)
  if (cap === null) return 'none'
  return clip.mode === 'none' ? `${figure(cap)}, for reference` : `${clip.mode} ${figure(cap)}`
}

function clippedWords({ rate, rate_total, window }: Run['clipping']): string {
  if (rate === null) return percent(rate)
  return `${percent(rate)} of the last ${whole(window)}, ${percent(rate_total)} in all`
}

/** The norm over the run as a line of blocks, with what they stand for, and where it was above its cap. */
function course(
  { name, clip }: { readonly name: string; readonly clip: Run['clip'] },
  norm: SeriesReply['series'][string] | undefined,
): string[] {
  if (norm === undefined || norm.step.length === 0) return []
  const finite = norm.max.filter((value) => value !== null)
  const over = norm.over ?? []
  const marks = norm.count.map((count, i) => ((over[i] ?? 0) * 2 > count ? '^' : ' ')).join('')
  const cap = capOf(clip)
  const words = [
    finite.length === 0
      ? 'no finite norm'
      : `largest norms from ${figure(Math.min(...finite))} to ${figure(Math.max(...finite))}, on a log scale`,
    ...(norm.nonfinite.some((count) => count > 0) ? ['· not finite'] : []),
    ...(marks.trim() === '' || cap === null ? [] : [`^ above the cap of ${figure(cap)} in most steps`]),
  ]
  return [
    '',
    ...(name === '' ? [] : [`${name}:`]),
    `norm  ${sparkline(norm.max)}`,
    ...(cap === null ? [] : [`      ${marks}`.trimEnd()].filter((line) => line !== '')),
    ...words.map((line) => `      ${line}`),
  ]
}

function describeFinding(finding: Finding): string[] {
  const { severity, kind, part, state, opened_step, closed_step, close_reason } = finding
  const where = part === null ? '' : ` of ${part}`
  const when =
    state === 'open'
      ? `since step ${whole(opened_step)}, open`
      : `from step ${whole(opened_step)} to ${whole(closed_step)}, ${(close_reason ?? state).replace('_', ' ')}`
  const sentences = [
    ...[figuresOf(finding)].filter((words) => words !== ''),
    ...finding.diagnosis
      .slice(0, 2)
      .flatMap(({ cause, because, look_at }) => [`${cause}: ${because}`, `Look at: ${look_at}`]),
    ...finding.moved.map((metric) => `${movedWords(metric)}.`),
    ...finding.layers.map((layer) => `${layerWords(layer)}.`),
    ...finding.events.map(({ step, label }) => `Step ${whole(step)}: ${label}.`),
    ...(finding.sibling === null ? [] : [`${siblingWords(finding.sibling)}.`]),
  ]
  return ['', `${severity}: ${kind}${where} ${when}`, ...sentences.map(wrapped)]
}

/** The figures that a finding opened with, by their names. */
function figuresOf({ kind, evidence }: Finding): string {
  const { figures } = wordsOfKind(kind)
  const named = Object.entries(evidence).filter(([name, value]) => name in figures && value !== null)
  return named.map(([name, value]) => `${figures[name]} ${figure(value as WireNumber)}`).join('; ')
}
