import { resolve } from 'node:path'
import { backUpSqlite } from '../storage/sqlite/engine/backup.ts'
import { configWith, readOptions } from './options.ts'
import { UsageError } from './usage-error.ts'

/** `backup FILE`, beside a running server or without one. Resolves with the exit code; throws `CannotBackUp`. */
export async function backupCommand(args: readonly string[]): Promise<number> {
  const { options, rest } = readOptions(args, [])
  const [file] = rest
  if (file === undefined || rest.length > 1) throw new UsageError('Name one file for the copy: backup FILE.')
  const { data } = configWith(options['data'])
  const begin = performance.now()
  const bytes = backUpSqlite(data, file)
  const seconds = (performance.now() - begin) / 1000
  console.log(
    `${resolve(file)} is a checked copy of ${data}: ${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s.`,
  )
  return 0
}
