import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ServerProcess } from '../server-process.ts'
import { whileWriting } from './while-writing.ts'

const COMMAND = join(import.meta.dirname, '../../apps/server/src/cli/normwatch.ts')

/** Backs up the folder while clients send batches as fast as they are answered. */
export async function backup(server: ServerProcess, folder: string) {
  const file = join(folder, 'backup.db')
  const { batches, seconds } = await whileWriting(server, 'backup', () =>
    promisify(execFile)(process.execPath, [COMMAND, 'backup', file, '--data', folder]),
  )
  return { seconds, megabytes: Math.round(statSync(file).size / 1e6), ingestBeside: batches }
}
