#!/usr/bin/env node
/** `normwatch-sync [--all] [file…]`: sends spool files, by default all in the spool folder. Exits with 1 when some are left. */
import { parseArgs } from 'node:util'
import { listSpoolFiles } from './node/list-spool-files.ts'
import { spoolFolder } from './node/platform.ts'
import { sendSpoolFiles } from './node/sync.ts'

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true })
const files =
  positionals.length > 0 ? positionals : await listSpoolFiles(spoolFolder(process.env['NORMWATCH_SPOOL']))
const { sent, refused, filesLeft } = await sendSpoolFiles(files, {
  url: process.env['NORMWATCH_URL'],
  token: process.env['NORMWATCH_TOKEN'],
  all: values.all === true || positionals.length > 0,
})
process.stdout.write(
  `normwatch-sync: ${sent} points sent, ${refused} refused, ${filesLeft.length} files left\n`,
)
for (const file of filesLeft) process.stdout.write(`  left: ${file}\n`)
process.exitCode = filesLeft.length > 0 ? 1 : 0
