#!/usr/bin/env node
/** `normwatch-sync [--all | --follow] [file…]`: sends spool files, by default all in the spool folder. */
import { parseArgs } from 'node:util'
import { followSpool } from './node/follow.ts'
import { listSpoolFiles } from './node/list-spool-files.ts'
import { spoolFolder } from './node/spool-folder.ts'
import { sendSpoolFiles } from './node/sync.ts'
import { readSyncOptions } from './node/sync-options.ts'
import type { SyncOptions } from './types.ts'

const HELP = `normwatch-sync [--all | --follow] [file…]

Sends what trainings could not send: the files given, else all in the spool folder.

  --all     also sends files whose trainings still run; these files stay
  --follow  keeps sending what trainings write, until Ctrl-C
  --help    prints this text

NORMWATCH_URL    the server (default: the one that each file names)
NORMWATCH_TOKEN  its token, if it requires one
NORMWATCH_SPOOL  the spool folder (default ~/.cache/normwatch/spool)

Exit codes: 0 everything was sent, 1 files are left, 2 invalid arguments.
`

const given = readArguments()
if (given === undefined) process.exitCode = 2
else if (given.values.help === true) process.stdout.write(HELP)
else if (given.values.follow === true) await follow(given)
else await send(given, given.positionals, given.values.all === true)

interface Target {
  readonly folder: string
  readonly server: SyncOptions
}

function readArguments() {
  try {
    const options = {
      all: { type: 'boolean' },
      follow: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const
    const read = parseArgs({ options, allowPositionals: true })
    if (read.values.follow === true && read.positionals.length > 0) {
      throw new Error('--follow sends the whole spool folder: do not name files')
    }
    const { spoolDir, ...server } = readSyncOptions({}, process.env)
    return { ...read, server, folder: spoolFolder(spoolDir) }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}

async function send({ folder, server }: Target, named: readonly string[], all: boolean): Promise<void> {
  const files = named.length > 0 ? named : await listSpoolFiles(folder)
  const reasons = new Map<string, string>()
  const { sent, refused, filesLeft } = await sendSpoolFiles(files, {
    ...server,
    all: all || named.length > 0,
    holdsProcess: true,
    onLeft: (path, reason) => reasons.set(path, reason),
  })
  process.stdout.write(
    `normwatch-sync: ${sent} points sent, ${refused} refused, ${filesLeft.length} files left\n`,
  )
  for (const file of filesLeft) process.stdout.write(`  left: ${file}: ${reasons.get(file)}\n`)
  process.exitCode = filesLeft.length > 0 ? 1 : 0
}

async function follow({ folder, server }: Target): Promise<void> {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const onSent = (points: number) => void process.stdout.write(`${points} points sent\n`)
  const onFault = (sentence: string) => void process.stderr.write(`normwatch-sync: ${sentence}\n`)
  process.stderr.write(`normwatch-sync: follows ${folder}; Ctrl-C ends it\n`)
  await followSpool(folder, { ...server, onSent, onFault }, stopped.signal)
}
