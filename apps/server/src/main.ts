/** The process: reads its settings, serves, and ends at a signal. */
import { enableCompileCache } from 'node:module'
import { ConfigError, helpText, readConfig } from './config.ts'
import type { Config } from './settings.ts'
import { layout } from './layout.ts'
import { CannotOpenDatabase } from './storage/postgres/errors.ts'
import { CannotOpenStore } from './storage/sqlite/engine/store-errors.ts'

// What is loaded after this is compiled once and read from the cache at later starts: half the time of a start. `npm start`
// says so to Node itself, which then, from the second start on, never loads what turns TypeScript into JavaScript: 19 MB.
enableCompileCache(layout.compileCache)

// Data, backups and the list of tokens are for this user alone.
process.umask(0o077)

/** Milliseconds after which another Ctrl-C ends the process at once. An earlier one is the same key press, sent again by npm. */
const SECOND_SIGNAL_AFTER_MS = 1_000

try {
  const config = readConfig(process.argv.slice(2), process.env)
  if (config === 'help') console.log(helpText())
  else await run(config)
} catch (error) {
  fail(error)
}

async function run(config: Config): Promise<void> {
  const { serve } = await import('./serve.ts')
  const server = await serve(config)
  let stoppedAt: number | undefined
  const stop = () => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now()
      server.close().then(() => process.exit(0), fail)
    } else if (performance.now() - stoppedAt > SECOND_SIGNAL_AFTER_MS) process.exit(130)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  console.log(server.welcome)
  // Garbage from the start would be more than half of an idle server's JavaScript heap: 10 MB.
  globalThis.gc?.({ type: 'major', flavor: 'last-resort' })
}

function fail(error: unknown): never {
  console.error(sentenceOf(error))
  process.exit(1)
}

function sentenceOf(error: unknown): string {
  if ([ConfigError, CannotOpenStore, CannotOpenDatabase].some((kind) => error instanceof kind)) {
    return (error as Error).message
  }
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number; address?: string }
  if (code !== undefined && port === -1) return `${address} cannot be listened on (${code}).`
  if (code === 'EADDRINUSE') {
    return `Port ${port} is taken: stop what listens there, or choose another with --port.`
  }
  if (code === 'EACCES') return `Port ${port} may not be used by this user: choose one from 1024 with --port.`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
