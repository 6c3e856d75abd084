import type { Command } from 'commander'
import { example } from '../help.ts'

/** The server reads its own flags, and its own `--help` lists them. */
export function addTo(program: Command): void {
  program
    .command('serve')
    .description('the server and its dashboard; serve --help lists its settings')
    .helpOption(false)
    .allowUnknownOption()
    .argument('[flags...]')
    .addHelpText('after', example('normwatch serve --port 4290'))
    .action(async () => {
      process.argv.splice(2, 1)
      await import('../../main.ts')
    })
}
