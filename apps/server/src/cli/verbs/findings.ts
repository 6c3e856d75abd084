import type { FindingList } from '@normwatch/protocol'
import type { Command } from 'commander'
import { whole } from '../figures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { kindOption, readCount, stateOption } from '../options.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'

interface Options {
  readonly run?: string
  readonly kind?: string
  readonly state?: string
  readonly limit: number
  readonly json?: true
}

/** The columns that are cut where a line is too long. */
const [RUN, CAUSE] = [2, 5]

const HEADINGS = ['SEVERITY', 'FINDING', 'RUN', 'STEPS', 'STATE', 'CAUSE']

export function addTo(program: Command): void {
  program
    .command('findings')
    .description('lists findings, the newest first')
    .option('--run <run>', 'of this run: its id, or how it begins')
    .addOption(kindOption())
    .addOption(stateOption())
    .option('--limit <n>', 'at most this many', readCount, 50)
    .option('--json', 'one JSON document, as the API gives it')
    .addHelpText('after', example('normwatch findings --state open'))
    .action(async ({ json, run: given, ...filters }: Options) => {
      const server = serverFromEnvironment()
      const run = given === undefined ? undefined : (await findRun(server, given)).id
      const list = await server.get<FindingList>('/findings', { run, ...filters })
      if (json) return console.log(JSON.stringify(list))
      const rows = list.findings.map((finding) => [
        finding.severity,
        finding.kind,
        finding.run,
        `${whole(finding.opened_step)} – ${finding.closed_step === null ? '' : whole(finding.closed_step)}`,
        finding.close_reason ?? finding.state,
        finding.diagnosis[0]?.cause ?? '',
      ])
      if (rows.length === 0) return console.error('No findings.')
      for (const line of inColumns([HEADINGS, ...rows], lineWidth(), [CAUSE, RUN])) console.log(line)
      if (list.next_cursor !== null) console.error(`Only the newest ${rows.length}; --limit shows more.`)
    })
}
