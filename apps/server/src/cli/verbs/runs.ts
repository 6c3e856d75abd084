import type { RunList } from '@normwatch/protocol'
import type { Command } from 'commander'
import { figure, percent, whole } from '../figures.ts'
import { example } from '../help.ts'
import { healthOption, readCount, statusOption } from '../options.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'

interface Options {
  readonly project?: string
  readonly status?: string
  readonly health?: string
  readonly tag?: string
  readonly search?: string
  readonly limit: number
  readonly json?: true
}

/** The columns that are cut where a line is too long. */
const [RUN, NAME] = [0, 6]

const HEADINGS = ['RUN', 'HEALTH', 'STATUS', 'STEP', 'NORM', 'CLIPPED', 'NAME']

export function addTo(program: Command): void {
  program
    .command('runs')
    .description('lists runs, those that need attention first')
    .option('--project <project>', 'of this project')
    .addOption(statusOption())
    .addOption(healthOption())
    .option('--tag <tag>', 'with this tag')
    .option('--search <text>', 'whose name or id contains this')
    .option('--limit <n>', 'at most this many', readCount, 50)
    .option('--json', 'one JSON document, as the API gives it')
    .addHelpText('after', example('normwatch runs --health flagged'))
    .action(async ({ search, json, ...filters }: Options) => {
      const query = { sort: 'attention', q: search, ...filters }
      const list = await serverFromEnvironment().get<RunList>('/runs', query)
      if (json) return console.log(JSON.stringify(list))
      const rows = list.runs.map(({ id, name, health, status, last_step, latest, clipping }) => [
        id,
        health,
        status,
        whole(last_step),
        figure(latest['grad_norm']),
        percent(clipping.rate),
        name === id ? '' : name,
      ])
      if (rows.length === 0) return console.error('No runs.')
      for (const line of inColumns([HEADINGS, ...rows], lineWidth(), [NAME, RUN])) console.log(line)
      if (list.next_cursor !== null) console.error(`Only the first ${rows.length}; --limit shows more.`)
    })
}
