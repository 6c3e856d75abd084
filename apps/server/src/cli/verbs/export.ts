import { createWriteStream } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Option, type Command } from 'commander'
import { Failure } from '../failures.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'

interface Options {
  readonly format: 'csv' | 'jsonl'
  readonly metric?: string[]
  readonly output?: string
}

export function addTo(program: Command): void {
  program
    .command('export')
    .description('writes the readings of a run, one step a line, in step order')
    .argument('<run>', 'its id')
    .addOption(new Option('--format <format>', 'of the lines').choices(['csv', 'jsonl']).default('jsonl'))
    .option('--metric <name...>', 'only these metrics')
    .option('--output <file>', 'a file that does not exist yet (default: standard output)')
    .addHelpText('after', example('normwatch export toy --format csv --metric grad_norm --output toy.csv'))
    .action(async (id: string, { format, metric, output }: Options) => {
      const query = { format: format === 'csv' ? 'csv' : 'ndjson', metric }
      const path = `/runs/${encodeURIComponent(id)}/points`
      const { body } = await serverFromEnvironment().open(path, query)
      if (body === null) return
      const target: Writable =
        output === undefined ? process.stdout : createWriteStream(output, { flags: 'wx' })
      try {
        await pipeline(Readable.fromWeb(body as never), target, { end: output !== undefined })
      } catch (error) {
        throw new Failure(`The export broke off: ${(error as Error).message}`, { cause: error })
      }
    })
}
