import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backUpSqlite } from '../../storage/sqlite/upkeep/backup.ts'
import { DATA_OPTION, refuseDatabase, withDataFolder } from '../data-folder.ts'
import { example } from '../help.ts'

export function addTo(program: Command): void {
  program
    .command('backup')
    .description('copies the data to a file, also while a server runs on it')
    .argument('<file>', 'the copy; a file that exists is never overwritten')
    .option(...DATA_OPTION)
    .addHelpText('after', example('normwatch backup copy.db'))
    .action((file: string, { data }: { data?: string }) =>
      withDataFolder(data, (config) => {
        refuseDatabase(config, 'pg_dump makes a backup of it, also while a server runs.')
        const begin = performance.now()
        const bytes = backUpSqlite(config.data, file)
        const seconds = (performance.now() - begin) / 1000
        const size = `${(bytes / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s`
        console.log(`${resolve(file)} is a checked copy of ${config.data}: ${size}.`)
      }),
    )
}
