import type { FindingList } from '@normwatch/protocol'
import type { Command } from 'commander'
import { whole } from '../figures.ts'
import { example } from '../help.ts'
import { readCount } from '../options.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'

interface Options {
  readonly run?: string
  readonly kind?: string
  readonly state?: string
  readonly limit: number
  readonly json?: true
}

const HEADINGS = ['SEVERITY', 'FINDING', 'RUN', 'STEPS', 'STATE', 'CAUSE']

export function addTo(program: Command): void {
  program
    .command('findings')
    .description('lists findings, the newest first')
    .option('--run <run>', 'of this run')
    .option('--kind <kind>', 'of this kind, such as clip_saturated')
    .option('--state <state>', 'open or closed')
    .option('--limit <n>', 'at most so many', readCount, 50)
    .option('--json', 'one JSON document, as the API gives it')
    .addHelpText('after', example('normwatch findings --state open'))
    .action(async ({ json, ...filters }: Options) => {
      const list = await serverFromEnvironment().get<FindingList>('/findings', filters)
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
      for (const line of inColumns([HEADINGS, ...rows], lineWidth())) console.log(line)
      if (list.next_cursor !== null) console.error(`Only the newest ${rows.length}; --limit shows more.`)
    })
}
