import type { Command } from 'commander'
import { readDatabaseUrl, type Config } from '../../settings.ts'
import type { MoveProgress } from '../../storage/postgres/move/move.ts'
import { openWholeFolder } from '../../storage/sqlite/upkeep/whole-folder.ts'
import { DATA_OPTION, withDataFolder } from '../data-folder.ts'
import { UsageError } from '../failures.ts'
import { whole } from '../figures.ts'
import { example } from '../help.ts'
import { bar, endProgress, showProgress } from '../progress.ts'

/** At most so many milliseconds between two lines of progress. */
const PROGRESS_EVERY_MS = 100

export function addTo(program: Command): void {
  program
    .command('migrate')
    .description('moves the data folder, which no server uses, into a PostgreSQL database')
    .option(
      '--to <address>',
      'the empty database (default: NORMWATCH_DATABASE_URL,\nwhich no list of processes shows)',
    )
    .option(...DATA_OPTION)
    .addHelpText(
      'after',
      '\nMay be interrupted: called again, it goes on. Every row is compared at the end.\nThe folder stays as it is.',
    )
    .addHelpText('after', example('normwatch migrate'))
    .action(({ to, data }: { to?: string; data?: string }) =>
      withDataFolder(data, (config) => migrate(config, addressOf(to, config))),
    )
}

function addressOf(to: string | undefined, { databaseUrl }: Config): string {
  const url = to === undefined ? databaseUrl : read(to)
  if (url === undefined)
    throw new UsageError(
      'Name the database with NORMWATCH_DATABASE_URL, or with --to if it needs no password.',
    )
  return url
}

function read(to: string): string | undefined {
  try {
    return readDatabaseUrl(to)
  } catch (error) {
    throw new UsageError(`--to ${(error as Error).message}`)
  }
}

async function migrate({ data }: Config, url: string): Promise<void> {
  const begin = performance.now()
  const { moveIntoPostgres } = await import('../../storage/postgres/move/move.ts')
  const folder = openWholeFolder(data)
  try {
    const { runs, rows, before } = await moveIntoPostgres(url, folder, everyNowAndThen(show))
    const seconds = ((performance.now() - begin) / 1000).toFixed(1)
    const former = before === 0 ? '' : `, ${whole(before)} of them by an earlier call`
    endProgress()
    console.log(
      `The data of ${folder.folder} is in the database, and every row was compared: ` +
        `${whole(runs)} ${runs === 1 ? 'run' : 'runs'}, ${whole(rows)} rows${former}, in ${seconds} s.`,
    )
    console.error(
      'Set NORMWATCH_DATABASE_URL for the servers. The folder is as it was: keep it until they run.',
    )
  } catch (error) {
    endProgress()
    throw error
  } finally {
    folder.close()
  }
}

function show({ phase, done, total }: MoveProgress): void {
  const what = phase === 'moving' ? 'Moving  ' : 'Checking'
  showProgress(`${what} ${bar(done, total)}  ${whole(done)} of ${whole(total)} rows`)
}

function everyNowAndThen(work: (progress: MoveProgress) => void): (progress: MoveProgress) => void {
  let next = 0
  return (progress) => {
    const now = performance.now()
    if (now < next) return
    next = now + PROGRESS_EVERY_MS
    work(progress)
  }
}
