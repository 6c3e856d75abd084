import type { CompareReply } from '@normwatch/protocol'
import type { Command } from 'commander'
import { figure, percent, whole } from '../figures.ts'
import { UsageError } from '../failures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'
import { wrapped } from '../wrapped.ts'

export function addTo(program: Command): void {
  program
    .command('compare')
    .description('puts runs side by side, and says what makes the comparison weak')
    .argument('<runs...>', 'two to eight ids, or how they begin')
    .option('--json', 'one JSON document, as the API gives it')
    .addHelpText('after', example('normwatch compare toy toy-2'))
    .action(async (given: string[], { json }: { json?: true }) => {
      if (given.length < 2 || given.length > 8) throw new UsageError('Name two to eight runs.')
      const server = serverFromEnvironment()
      const runs = await Promise.all(given.map((one) => findRun(server, one)))
      const reply = await server.get<CompareReply>('/compare', { run: runs.map(({ id }) => id) })
      if (json) return console.log(JSON.stringify(reply))
      for (const line of inColumns(table(reply), lineWidth())) console.log(line)
      for (const note of reply.notes) console.log(`\n${wrapped(note)}`)
    })
}

function table({ runs }: CompareReply): string[][] {
  return [
    ['', ...runs.map(({ run }) => run)],
    ['final loss', ...runs.map((run) => figure(run.final_loss))],
    ['loss roughness', ...runs.map((run) => figure(run.loss_roughness))],
    ['median norm', ...runs.map(({ norm_quantiles }) => figure(norm_quantiles['p50']))],
    ['norm, 99th %', ...runs.map(({ norm_quantiles }) => figure(norm_quantiles['p99']))],
    ['clipped', ...runs.map((run) => percent(run.clip_rate))],
    ['spikes', ...runs.map((run) => whole(run.spikes))],
    ['non-finite', ...runs.map((run) => whole(run.nonfinite))],
    ['steps', ...runs.map((run) => whole(run.steps))],
    ['seconds', ...runs.map((run) => figure(run.seconds))],
  ]
}
