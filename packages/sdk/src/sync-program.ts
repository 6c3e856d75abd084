#!/usr/bin/env node
/** `normwatch-sync [--all] [file…]`: sends spool files, by default all in the spool folder. */
import { parseArgs } from 'node:util'
import { listSpoolFiles } from './node/list-spool-files.ts'
import { spoolFolder } from './node/platform.ts'
import { sendSpoolFiles } from './node/sync.ts'

const HELP = `normwatch-sync [--all] [file…]

Sends what trainings could not send: the files given, else all in the spool folder.

  --all    also files whose trainings still run
  --help   this text

NORMWATCH_URL    the server (default: the one that each file names)
NORMWATCH_TOKEN  its token, where it asks for one
NORMWATCH_SPOOL  the spool folder (default ~/.cache/normwatch/spool)

Exit codes: 0 all is sent, 1 files are left, 2 wrong use.
`

const given = readArguments()
if (given === undefined) process.exitCode = 2
else if (given.values.help === true) process.stdout.write(HELP)
else await send(given.positionals, given.values.all === true)

function readArguments() {
  try {
    const options = { all: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${HELP}`)
    return undefined
  }
}

async function send(named: readonly string[], all: boolean): Promise<void> {
  const files = named.length > 0 ? named : await listSpoolFiles(spoolFolder(process.env['NORMWATCH_SPOOL']))
  const { sent, refused, filesLeft } = await sendSpoolFiles(files, {
    url: process.env['NORMWATCH_URL'],
    token: process.env['NORMWATCH_TOKEN']?.trim(),
    all: all || named.length > 0,
    holdsProcess: true,
  })
  process.stdout.write(
    `normwatch-sync: ${sent} points sent, ${refused} refused, ${filesLeft.length} files left\n`,
  )
  for (const file of filesLeft) process.stdout.write(`  left: ${file}\n`)
  process.exitCode = filesLeft.length > 0 ? 1 : 0
}
