import type { RunList } from '@normwatch/protocol'
import type { Command } from 'commander'
import tab from '@bomb.sh/tab/commander'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'

/** Somebody has pressed a key and waits. */
const TIMEOUT_MS = 1000
const MOST_RUNS = 200

/**
 * Completion by the shell: the script that this verb prints asks it for what may come next. It knows the verbs added before,
 * and the runs of the server.
 */
export async function addTo(program: Command): Promise<void> {
  const completion = tab(program)
  program.commands
    .find((command) => command.name() === 'complete')
    ?.description('prints what makes a shell complete verbs, options and runs: bash, zsh or fish')
    .addHelpText('after', example('normwatch complete bash'))
  const words = process.argv.slice(process.argv.indexOf('--') + 1)
  const [verb = '', ...others] = words
  const asked = completion.commands.get(verb)
  const takesRun = [...(asked?.arguments.values() ?? [])].filter(({ name }) => /^runs?$/.test(name))
  if (others.length === 0 || takesRun.length === 0) return
  const runs = await runsLike(others.at(-1) as string)
  for (const argument of takesRun) {
    argument.handler = (complete) => {
      for (const { id, name } of runs) complete(id, name ?? '')
    }
  }
}

/** The newest runs whose id begins so; none where the server does not answer. */
async function runsLike(beginning: string): Promise<RunList['runs']> {
  try {
    const query = { limit: MOST_RUNS, ...(beginning !== '' && { q: beginning }) }
    const { runs } = await serverFromEnvironment().get<RunList>(
      '/runs',
      query,
      AbortSignal.timeout(TIMEOUT_MS),
    )
    return runs.filter(({ id }) => id.startsWith(beginning))
  } catch {
    return []
  }
}
