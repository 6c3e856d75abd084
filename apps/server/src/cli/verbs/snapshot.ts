import { movedWords } from '@normwatch/detector'
import type { SnapshotReply } from '@normwatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { figure, whole } from '../figures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'
import { wrapped } from '../wrapped.ts'

interface Options {
  readonly around: number
  readonly width: number
  readonly json?: true
}

export function addTo(program: Command): void {
  program
    .command('snapshot')
    .description('every metric around one step, what moved there, findings and events')
    .argument('<run>', 'its id, or how it begins')
    .requiredOption('--around <step>', 'the step', readWhole)
    .option('--width <n>', 'steps looked at before and after', readWidth, 20)
    .option('--json', 'one JSON document, as the API gives it')
    .addHelpText('after', example('normwatch snapshot toy --around 300'))
    .action(async (given: string, { around, width, json }: Options) => {
      const server = serverFromEnvironment()
      const { id } = await findRun(server, given)
      const reply = await server.get<SnapshotReply>(`/runs/${id}/snapshot`, { around, width })
      if (json) return console.log(JSON.stringify({ run: id, ...reply }))
      for (const line of describe(reply)) console.log(line)
    })
}

function describe({ around, metrics, moved, findings, events }: SnapshotReply): string[] {
  const headings = ['METRIC', 'BEFORE', `STEP ${whole(around)}`, 'AFTER']
  const rows = metrics.map(({ metric, before, at, after }) => [metric, ...[before, at, after].map(figure)])
  return [
    ...inColumns([headings, ...rows], lineWidth()),
    ...moved.map((one) => wrapped(movedWords(one))),
    ...findings.map(({ kind, opened_step, onset }) => {
      const began = onset === null || onset === opened_step ? '' : `, began at step ${whole(onset)}`
      return `  ${kind} opened at step ${whole(opened_step)}${began}`
    }),
    ...events.map(({ step, label, text }) =>
      wrapped(`step ${whole(step)}: ${label}${text ? `, ${text}` : ''}`),
    ),
  ]
}

function readWhole(text: string): number {
  const count = Number(text)
  if (text.trim() !== '' && Number.isSafeInteger(count) && count >= 0) return count
  throw new InvalidArgumentError('It must be a whole number from 0 on.')
}

function readWidth(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 10_000) return count
  throw new InvalidArgumentError('It must be a whole number from 1 to 10,000.')
}
