import { accessSync, constants, statfsSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import { verifyChain } from '../../storage/audit/verify.ts'
import { openAuditFile } from '../../storage/sqlite/open-tokens-file.ts'
import { inspectFolder } from '../../storage/sqlite/upkeep/inspect.ts'
import { DATA_OPTION, refuseDatabase, withDataFolder } from '../data-folder.ts'
import { example } from '../help.ts'

/** Below this the next checkpoints of the data file may fail. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024
/** Released after this date: an earlier clock is wrong. */
const EARLIEST = Date.UTC(2026, 0, 1)
/** How far the newest arrival may lie ahead of the clock. */
const MAX_AHEAD_MS = 60_000

type Verdict = 'ok' | 'look' | 'bad'
interface Check {
  readonly about: string
  readonly verdict: Verdict
  readonly words: string
}

export function addTo(program: Command): void {
  program
    .command('doctor')
    .description(
      'checks the data folder: integrity, free space, clock, channels, audit log; exit code 1 when something is bad',
    )
    .option(...DATA_OPTION)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch doctor'))
    .action(({ data, json }: { data?: string; json?: true }) =>
      withDataFolder(data, async (config) => {
        refuseDatabase(config, "a server's /readyz says whether it can be used.")
        const checks = [...examine(config.data, Date.now()), ...(await auditLog(config.data))]
        if (json) console.log(JSON.stringify({ checks }))
        else
          for (const { about, verdict, words } of checks)
            console.log(`${verdict.padEnd(5)} ${about.padEnd(11)} ${words}`)
        if (checks.some(({ verdict }) => verdict === 'bad')) process.exitCode = 1
      }),
    )
}

/** All checks that need no running server. */
function examine(folder: string, now: number): readonly Check[] {
  const check = (about: string, verdict: Verdict, words: string): Check => ({ about, verdict, words })
  try {
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      return [check('folder', 'look', `${folder} does not exist yet; the first start makes it.`)]
    return [check('folder', 'bad', `${folder} cannot be read and written by this user (${code}).`)]
  }
  return [readers(folder), space(folder), ...file(folder, now)]

  function readers(path: string): Check {
    const mode = statSync(path).mode & 0o077
    const words =
      mode === 0
        ? `${path}, for its owner alone`
        : `${path} can be opened by other users: chmod 700 closes it.`
    return check('folder', mode === 0 ? 'ok' : 'look', words)
  }
}

function space(folder: string): Check {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const words = `${(free / 2 ** 30).toFixed(1)} GiB free`
  return { about: 'space', verdict: free < LEAST_FREE_BYTES ? 'bad' : 'ok', words }
}

function file(folder: string, now: number): readonly Check[] {
  let found: ReturnType<typeof inspectFolder>
  try {
    found = inspectFolder(folder)
  } catch (error) {
    return [{ about: 'database', verdict: 'bad', words: `It cannot be read: ${(error as Error).message}.` }]
  }
  if (found === undefined) return [{ about: 'database', verdict: 'look', words: 'No database yet.' }]
  const { applied, known } = found.migrations
  const ahead = (found.newestArrival ?? 0) - now
  return [
    {
      about: 'database',
      verdict: found.faults.length === 0 ? 'ok' : 'bad',
      words: found.faults.length === 0 ? `whole, ${found.runs} runs` : found.faults.join('; '),
    },
    {
      about: 'migrations',
      verdict: applied === known ? 'ok' : applied < known ? 'look' : 'bad',
      words: `${applied} of ${known} applied`,
    },
    {
      about: 'server',
      verdict: 'ok',
      words: found.isInUse ? 'runs on this folder' : 'does not run on this folder',
    },
    clock(now, ahead),
    ...found.channels.map(({ name, trouble }) => ({
      about: 'channel',
      verdict: trouble === null ? ('ok' as const) : ('look' as const),
      words: `${name}${trouble === null ? '' : `, ${trouble}`}`,
    })),
  ]
}

/** Whether an entry of the audit log was changed or is missing. */
async function auditLog(folder: string): Promise<readonly Check[]> {
  try {
    const opened = openAuditFile(folder)
    if (opened === undefined) return []
    try {
      const { entries, fault } = await verifyChain(opened.audit)
      const words = fault?.message ?? `whole, ${entries} entries`
      return [{ about: 'audit log', verdict: fault === null ? 'ok' : 'bad', words }]
    } finally {
      await opened.close()
    }
  } catch (error) {
    return [{ about: 'audit log', verdict: 'bad', words: `It cannot be read: ${(error as Error).message}.` }]
  }
}

function clock(now: number, ahead: number): Check {
  const words = new Date(now).toISOString()
  if (now < EARLIEST)
    return { about: 'clock', verdict: 'bad', words: `${words} is before this program was written.` }
  if (ahead <= MAX_AHEAD_MS) return { about: 'clock', verdict: 'ok', words }
  const seconds = Math.round(ahead / 1000)
  return {
    about: 'clock',
    verdict: 'bad',
    words: `${words}; points arrived ${seconds} s later than now: it went back.`,
  }
}
