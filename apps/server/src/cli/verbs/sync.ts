import { sync } from '@normwatch/sdk'
import type { Command } from 'commander'
import { example } from '../help.ts'

export function addTo(program: Command): void {
  program
    .command('sync')
    .description('sends what trainings could not send; exit code 1 when files are left')
    .argument('[folder]', 'the spool folder (default: NORMWATCH_SPOOL, else ~/.cache/normwatch/spool)')
    .option('--all', 'also files whose trainings still run')
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch sync'))
    .action(async (spoolDir: string | undefined, { all, json }: { all?: true; json?: true }) => {
      const report = await sync({ spoolDir, all })
      const { sent, refused, filesLeft } = report
      if (json) console.log(JSON.stringify(report))
      else {
        console.log(`${sent} points sent, ${refused} refused, ${filesLeft.length} files left`)
        for (const file of filesLeft) console.log(`  left: ${file}`)
      }
      if (filesLeft.length > 0) process.exitCode = 1
    })
}
