import type { FindingList, Run, SeriesReply } from '@normwatch/protocol'
import { layerWords, movedWords, siblingWords } from '@normwatch/detector'
import type { Command } from 'commander'
import { figure, percent, whole } from '../figures.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'
import { sparkline } from '../sparkline.ts'
import { inColumns } from '../table.ts'
import { wrapped } from '../wrapped.ts'

/** Buckets of the norm asked for: at most as many as a line has room for. */
const BUCKETS = 60

export function addTo(program: Command): void {
  program
    .command('show')
    .description('shows a run: its norm against its cap, what clipping did, findings')
    .argument('<run>', 'its id')
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch show toy'))
    .action(async (id: string, { json }: { json?: true }) => {
      const server = serverFromEnvironment()
      const path = `/runs/${encodeURIComponent(id)}`
      const [run, { findings }, norm] = await Promise.all([
        server.get<Run>(path),
        server.get<FindingList>(`${path}/findings`, { limit: 20 }),
        server.get<SeriesReply>(`${path}/series`, { metric: 'grad_norm', max_points: BUCKETS }),
      ])
      if (json) return console.log(JSON.stringify({ run, findings }))
      for (const line of describe(run, norm)) console.log(line)
      for (const {
        severity,
        kind,
        state,
        opened_step,
        diagnosis,
        moved,
        layers,
        events,
        sibling,
      } of findings) {
        console.log(`\n${severity}: ${kind} since step ${whole(opened_step)}, ${state}`)
        for (const { cause, because } of diagnosis.slice(0, 2)) console.log(wrapped(`${cause}: ${because}`))
        for (const metric of moved) console.log(wrapped(`${movedWords(metric)}.`))
        for (const layer of layers) console.log(wrapped(`${layerWords(layer)}.`))
        for (const { step, label } of events) console.log(wrapped(`Step ${whole(step)}: ${label}.`))
        if (sibling !== null) console.log(wrapped(`${siblingWords(sibling)}.`))
      }
      if (findings.length === 0) console.log('\nNo findings.')
    })
}

function describe(run: Run, { series }: SeriesReply): string[] {
  const { clip, clipping } = run
  const cap = clip.mode === 'value' ? clip.clip_value : (clip.max_norm ?? null)
  const norm = series['grad_norm']
  const facts = [
    ['project', run.project],
    ['health', `${run.health}, ${run.status}`],
    ['steps', `${whole(run.points)} logged, last ${whole(run.last_step)}`],
    ['cap', cap === null ? 'none' : `${clip.mode} ${figure(cap)}`],
    ['norm', figure(run.latest['grad_norm'])],
    ['loss', figure(run.latest['loss'])],
    [
      'clipped',
      `${percent(clipping.rate)} of the last ${clipping.window}, ${percent(clipping.rate_total)} in all`,
    ],
    ['non-finite', whole(run.nonfinite)],
  ]
  const title = run.name === run.id ? run.id : `${run.id}: ${run.name}`
  const lines = [title.slice(0, 80), ...inColumns(facts, 80)]
  if (norm === undefined || norm.step.length === 0) return lines
  const over = norm.over ?? []
  const marks = norm.count.map((count, i) => ((over[i] ?? 0) * 2 > count ? '^' : ' ')).join('')
  lines.push('', `norm  ${sparkline(norm.max)}`)
  if (cap !== null) lines.push(`      ${marks}`.trimEnd(), '      ^ above the cap in most of these steps')
  return lines
}
