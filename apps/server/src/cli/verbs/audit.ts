import type { Command } from 'commander'
import type { Config } from '../../settings.ts'
import { verifyChain } from '../../storage/audit/verify.ts'
import { openAuditFile } from '../../storage/sqlite/open-tokens-file.ts'
import { DATA_OPTION, openTokens, withDataFolder } from '../data-folder.ts'
import { Failure } from '../failures.ts'
import { example } from '../help.ts'

export function addTo(program: Command): void {
  program
    .command('audit')
    .description('checks the audit log: who changed what')
    .command('verify')
    .description('computes every hash again; exit code 1 when an entry was changed or is missing')
    .option(...DATA_OPTION)
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch audit verify'))
    .action(({ data, json }: { data?: string; json?: true }) =>
      withDataFolder(data, async (config) => {
        const { audit, close } = await openAudit(config)
        try {
          const chain = await verifyChain(audit)
          if (json) console.log(JSON.stringify(chain))
          else if (chain.fault !== null) console.log(chain.fault.message)
          else
            console.log(
              `The log is whole: ${chain.entries} entries. Hash of entry ${chain.last}:\n${chain.hash}`,
            )
          if (!chain.ok) process.exitCode = 1
        } finally {
          await close()
        }
      }),
    )
}

async function openAudit(config: Config) {
  const opened = config.databaseUrl === undefined ? openAuditFile(config.data) : await openTokens(config)
  if (opened === undefined) throw new Failure(`There is no audit log in ${config.data}.`)
  return opened
}
