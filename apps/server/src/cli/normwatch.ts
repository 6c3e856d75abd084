/** The command `normwatch`: one file a verb in `verbs/`, of which only the one that is called is loaded. */
import { enableCompileCache } from 'node:module'
import { Command, CommanderError } from 'commander'
import { defaultDataFolder, layout } from '../layout.ts'
import { VERSION } from '../version.ts'
import { Failure, UsageError } from './failures.ts'

// the verb's own files are compiled once and read from the cache afterwards
enableCompileCache(layout.compileCache)

/** What a verb's file exports: adds the verb, with its options, help and example, to the program. */
type AddTo = (program: Command) => void | Promise<void>

const verbs: Readonly<Record<string, () => Promise<{ readonly addTo: AddTo }>>> = {
  serve: () => import('./verbs/serve.ts'),
  import: () => import('./verbs/import.ts'),
  run: () => import('./verbs/run.ts'),
  runs: () => import('./verbs/runs.ts'),
  findings: () => import('./verbs/findings.ts'),
  show: () => import('./verbs/show.ts'),
  compare: () => import('./verbs/compare.ts'),
  watch: () => import('./verbs/watch.ts'),
  snapshot: () => import('./verbs/snapshot.ts'),
  export: () => import('./verbs/export.ts'),
  sync: () => import('./verbs/sync.ts'),
  mcp: () => import('./verbs/mcp.ts'),
  skill: () => import('./verbs/skill.ts'),
  token: () => import('./verbs/token.ts'),
  audit: () => import('./verbs/audit.ts'),
  backup: () => import('./verbs/backup.ts'),
  migrate: () => import('./verbs/migrate.ts'),
  doctor: () => import('./verbs/doctor.ts'),
  health: () => import('./verbs/health.ts'),
  complete: () => import('./verbs/complete.ts'),
}

const ENVIRONMENT = `
Environment:
  NORMWATCH_URL    the server, http://host:4280 or unix:/path
                   (default: your own that runs, else http://127.0.0.1:4280)
  NORMWATCH_TOKEN  its token, if the server requires one
  NORMWATCH_DATA   the data folder of token, audit, backup, migrate, doctor
                   (default ${defaultDataFolder})

Exit codes: 0 done, 1 failed, 2 wrong use.`

/** `head` and other readers may stop reading: that is no failure. A disk that is full is one. */
process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') console.error(`The result could not be written: ${message}.`)
  process.exit(code === 'EPIPE' ? 0 : 1)
})

const program = new Command('normwatch')
  .description('Is gradient clipping doing real work in this run, and if so, why?')
  .version(VERSION)
  .helpCommand('help [verb]', 'the help of a verb')
  .addHelpText('after', ENVIRONMENT)
  .configureOutput({ outputError: (text, write) => write(asSentence(text)) })
  .exitOverride()

try {
  // without a verb it serves, as the installed command does; what begins with - may be a flag of the server
  const [first = 'serve'] = process.argv.slice(2)
  const isFlag = first.startsWith('-') && !['--help', '-h', '--version', '-V'].includes(first)
  if (isFlag || process.argv.length === 2) process.argv.splice(2, 0, 'serve')
  const name = process.argv[2] as string
  // completion has to know every verb
  const isOne = Object.hasOwn(verbs, name) && name !== 'complete'
  const called = isOne ? { [name]: verbs[name] } : verbs
  for (const load of Object.values(called)) await (await load?.())?.addTo(program)
  await program.parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (!(error instanceof Failure || error instanceof UsageError)) throw error
  console.error(error.message)
  return error instanceof UsageError ? 2 : 1
}

/** The library's "error: unknown option '--x'" as a sentence. */
function asSentence(text: string): string {
  const words = text.replace(/^error: /, '')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
