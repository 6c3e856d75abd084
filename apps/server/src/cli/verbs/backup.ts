import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import { openAuditFile } from '../../storage/sqlite/open-tokens-file.ts'
import { backUpSqlite } from '../../storage/sqlite/upkeep/backup.ts'
import { DATA_OPTION, recordHere, refuseDatabase, withDataFolder } from '../data-folder.ts'
import type { Config } from '../../settings.ts'
import { example } from '../help.ts'

export function addTo(program: Command): void {
  program
    .command('backup')
    .description('copies the data to a file, also while a server runs on it')
    .argument('<file>', 'the copy; a file that exists is never overwritten')
    .option(...DATA_OPTION)
    .addHelpText('after', example('normwatch backup copy.db'))
    .action((file: string, { data }: { data?: string }) =>
      withDataFolder(data, async (config) => {
        refuseDatabase(config, 'pg_dump makes a backup of it, also while a server runs.')
        const begin = performance.now()
        const bytes = backUpSqlite(config.data, file)
        const seconds = (performance.now() - begin) / 1000
        await recordBackup(config, file)
        const size = `${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s`
        console.log(`${resolve(file)} is a checked copy of ${config.data}: ${size}.`)
      }),
    )
}

/** Afterwards, and without failing: data that cannot be written any more is the data to back up. */
async function recordBackup({ data }: Config, file: string): Promise<void> {
  try {
    const opened = openAuditFile(data)
    if (opened === undefined) return
    await recordHere(opened.audit, {
      action: 'backup.make',
      target_kind: 'data',
      target: basename(file),
      project: null,
      detail: null,
    }).finally(opened.close)
  } catch (error) {
    console.error(`The backup is not in the audit log: ${(error as Error).message}`)
  }
}
