import { serveStdio } from '@modelcontextprotocol/server/stdio'
import type { Command } from 'commander'
import { makeMcpServer } from '../../mcp/mcp-server.ts'
import { example } from '../help.ts'
import { serverFromEnvironment } from '../server.ts'

export function addTo(program: Command): void {
  program
    .command('mcp')
    .description(
      'serves the Model Context Protocol over stdin and stdout: list_runs, get_run, list_findings, snapshot, compare',
    )
    .addHelpText('after', example('normwatch mcp'))
    .action(() => {
      const server = serverFromEnvironment()
      // it ends with its standard input
      serveStdio(() => makeMcpServer((path, query) => server.get(path, query)), { maxSubscriptions: 0 })
    })
}
