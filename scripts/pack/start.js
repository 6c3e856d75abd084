import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Node's flags for the server: see "Node is started with specific flags" in ARCHITECTURE.md. */
const FLAGS = ['--max-semi-space-size=4', '--heap-growing-percent=200', '--expose-gc']
/** Flags of the command `normwatch` itself, not of the server. */
const OF_ALL = ['--version', '-V', '--help', '-h']
const server = join(import.meta.dirname, '../server')

/**
 * Runs a verb, or the server if there is no verb. If the platform allows it, the server replaces this process, so that
 * pid, signals and exit code are those of the command.
 * @param {string[]} args
 */
export async function start(args) {
  const [verb = 'serve'] = args
  const isServer = verb === 'serve' || (verb.startsWith('-') && !OF_ALL.includes(verb))
  if (!isServer) return import(pathToFileURL(join(server, 'cli.js')).href)
  const flags = verb === 'serve' ? args.slice(1) : args
  const main = join(server, 'main.js')
  if (process.platform !== 'win32' && !FLAGS.every((flag) => process.execArgv.includes(flag))) {
    process.execve(process.execPath, [process.execPath, ...FLAGS, main, ...flags], {
      ...process.env,
      MALLOC_ARENA_MAX: '1',
    })
  }
  process.argv.splice(1, process.argv.length, main, ...flags)
  return import(pathToFileURL(main).href)
}
