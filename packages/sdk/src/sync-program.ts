#!/usr/bin/env node
/** `normwatch-sync [file…]`: sends spool files, by default all in the spool folder. Exits with 1 when some are left. */
import { spoolFolder } from './node/platform.ts'
import { listSpoolFiles, sendSpoolFiles } from './node/sync.ts'

const files = process.argv.slice(2)
const { sent, refused, filesLeft } = await sendSpoolFiles(
  files.length > 0 ? files : await listSpoolFiles(spoolFolder(process.env['NORMWATCH_SPOOL'])),
  {
    url: process.env['NORMWATCH_URL'],
    token: process.env['NORMWATCH_TOKEN'],
    writerMayLive: files.length > 0,
  },
)
process.stdout.write(
  `normwatch-sync: ${sent} points sent, ${refused} refused, ${filesLeft.length} files left\n`,
)
for (const file of filesLeft) process.stdout.write(`  left: ${file}\n`)
process.exitCode = filesLeft.length > 0 ? 1 : 0
