import { sync, type SyncOptions } from '@normwatch/sdk'
import { followSpool, readSyncOptions, spoolFolder } from '@normwatch/sdk/reach'
import type { Command } from 'commander'
import { UsageError } from '../failures.ts'
import { example } from '../help.ts'

interface Options {
  readonly all?: true
  readonly follow?: true
  readonly json?: true
}

export function addTo(program: Command): void {
  program
    .command('sync')
    .description('sends what trainings could not send; exit code 1 when files are left')
    .argument('[folder]', 'the spool folder (default: NORMWATCH_SPOOL, else ~/.cache/normwatch/spool)')
    .option('--all', 'also send the files of trainings that still run, and keep them')
    .option('--follow', 'keep sending what trainings write, until Ctrl-C')
    .option('--json', 'one JSON document; with --follow a line for what was sent')
    .addHelpText('after', example('normwatch sync', 'normwatch sync --follow ~/normwatch-spool'))
    .action((folder: string | undefined, options: Options) =>
      options.follow ? follow(folder, options) : send(folder, options),
    )
}

async function send(spoolDir: string | undefined, { all, json }: Options): Promise<void> {
  const report = await sync(settings({ spoolDir, all }))
  const { sent, refused, filesLeft } = report
  if (json) console.log(JSON.stringify(report))
  else {
    console.log(`${sent} points sent, ${refused} refused, ${filesLeft.length} files left`)
    for (const file of filesLeft) console.log(`  left: ${file}`)
  }
  if (filesLeft.length > 0) process.exitCode = 1
}

function settings(given: SyncOptions): SyncOptions {
  try {
    return readSyncOptions(given, process.env)
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(error.message) : error
  }
}

async function follow(folder: string | undefined, { json }: Options): Promise<void> {
  const { url, token, spoolDir } = settings({ spoolDir: folder })
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const options = {
    url,
    token,
    onSent: (sent: number, refused: number) =>
      console.log(json ? JSON.stringify({ sent, refused }) : `${sent} points sent`),
    onFault: (sentence: string) => console.error(sentence),
  }
  await followSpool(spoolFolder(spoolDir), options, stopped.signal)
}
