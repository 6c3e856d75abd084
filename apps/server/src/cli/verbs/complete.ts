import type { Command } from 'commander'
import tab from '@bomb.sh/tab/commander'
import { example } from '../help.ts'

/** Completion by the shell: the script that this verb prints asks it for what may come next. It knows the verbs added before. */
export function addTo(program: Command): void {
  tab(program)
  program.commands
    .find((command) => command.name() === 'complete')
    ?.description('prints what makes a shell complete verbs and options: bash, zsh or fish')
    .addHelpText('after', example('normwatch complete bash'))
}
