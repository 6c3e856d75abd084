import type { Command } from 'commander'
import { example } from '../help.ts'
import { runPython } from '../python.ts'

/** The options are those of the Python package, which reads them: they stand here for the help and for completion. */
export function addTo(program: Command): void {
  program
    .command('run')
    .description('watches a training without touching its code; its exit code is that of the training')
    .usage('[options] -- command [argument ...]')
    .argument('[command...]', 'what to run, with its arguments')
    .option('--project <project>', "the run's project")
    .option('--name <name>', "the run's name")
    .option('--tag <tag>', 'a tag of the run; may be repeated')
    .option('--measure <n>', 'measure the norm of every n-th step without clipping; off: never')
    .option('--no-config', 'records neither the command line nor versions')
    .allowUnknownOption()
    .addHelpText('after', example('normwatch run --project toys -- python3 --version'))
    .action(async () => {
      process.exitCode = await runPython(process.argv.slice(2))
    })
}
