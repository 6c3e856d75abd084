import { resolve } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import {
  capWords,
  formats,
  importLogs,
  normWords,
  remarksOn,
  RunSender,
  type ImportOptions,
  type Outcome,
  type Passed,
} from '@normwatch/importers'
import { InvalidArgumentError, type Command } from 'commander'
import { UsageError } from '../failures.ts'
import { whole } from '../figures.ts'
import { example } from '../help.ts'
import { followLogs } from '../import/follow.ts'
import { besideOf, findLogs, isFileError } from '../import/log-files.ts'
import { followStdin } from '../import/stdin.ts'
import { endProgress, showProgress } from '../progress.ts'
import { serverFromEnvironment } from '../server.ts'
import { inColumns, lineWidth } from '../table.ts'

interface Options {
  readonly follow?: true
  readonly format?: string
  readonly maxNorm?: number
  readonly norm?: string
  readonly postClip?: string
  readonly map?: Record<string, string>
  readonly withoutNorms?: true
  readonly project?: string
  readonly name?: string
  readonly tag: string[]
  readonly json?: true
}

// what a long log leaves behind is collected while it is little: a third of the memory, for a tenth more of the processor's time
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=20')

const HEADINGS = ['RUN', 'HEALTH', 'POINTS', 'CAP', 'NORM', 'NAN', 'SEAMS', 'FORMAT']

export function addTo(program: Command): void {
  program
    .command('import')
    .description('reads training logs of other tools into runs')
    .argument('[path...]', 'files and folders; - reads what is piped in')
    .option('--follow', 'goes on reading while the logs grow')
    .option('--format <name>', 'reads every file so; "list" names all formats', readFormat)
    .option('--max-norm <cap>', 'the cap, where the logs do not say it', readCap)
    .option('--norm <key>', 'the metric that is the norm before clipping')
    .option('--post-clip <key>', 'a metric that is the norm after clipping')
    .option('--map <pairs>', 'names in the log: step=iter,grad_norm=gn', readMap)
    .option('--without-norms', 'imports logs without gradient norms too')
    .option('--project <project>', 'puts the runs into this project')
    .option('--name <name>', 'names the runs; {name} is the name found')
    .option(
      '--tag <tag>',
      'gives the runs a tag; may be repeated',
      (tag, tags: string[]) => [...tags, tag],
      [],
    )
    .option('--json', 'one JSON document')
    .addHelpText('after', example('normwatch import --format list', 'normwatch import . --max-norm 1.0'))
    .action(async (paths: string[], options: Options) => {
      if (options.format === 'list') return listFormats(options.json === true)
      if (paths.length === 0) throw new UsageError('Name a file or a folder, or - for what is piped in.')
      const { project, name, tag: tags } = options
      const sender = new RunSender(serverFromEnvironment(), { project, name, tags }, options.follow !== true)
      const settings = readingOptions(options)
      const passed: Passed[] = []
      if (paths.includes('-')) {
        if (paths.length > 1) throw new UsageError('- stands alone: it reads what is piped in.')
        const outcomes = await followStdin(sender, settings, options.follow === true)
        if (outcomes.length === 0) process.exitCode = 1
        return report(outcomes, passed, options)
      }
      if (options.follow) return followLogs(paths, sender, settings, options.json === true)
      const found = await findLogs(paths, options.format).catch(asUsageError)
      passed.push(...found.passed)
      const outcomes = await importLogs(found.logs, sender, settings, passed)
      // a file that was named is wanted; of a folder, what there is
      const named = new Set(paths.map((path) => resolve(path)))
      if (outcomes.length === 0 || passed.some(({ path }) => named.has(path))) process.exitCode = 1
      return report(outcomes, passed, options)
    })
}

function readingOptions({ format, maxNorm, norm, postClip, map, withoutNorms }: Options): ImportOptions {
  return {
    withoutNorms: withoutNorms === true,
    besideOf,
    isFileError,
    ...(format !== undefined && { format }),
    ...(maxNorm !== undefined && { maxNorm }),
    ...(norm !== undefined && { norm }),
    ...(postClip !== undefined && { postClip }),
    ...(map !== undefined && { map }),
    onProgress: showProgress,
  }
}

function asUsageError(error: unknown): never {
  const { code, path } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') throw new UsageError(`${path} does not exist.`)
  if (code === 'EACCES') throw new UsageError(`${path} may not be read.`)
  throw error
}

function report(outcomes: readonly Outcome[], passed: readonly Passed[], { json }: Options): void {
  endProgress()
  const { url } = serverFromEnvironment()
  if (json)
    return console.log(JSON.stringify({ runs: outcomes.map((outcome) => summary(outcome, url)), passed }))
  const rows = outcomes.map(({ run, state }) => [
    run.id,
    state?.health ?? 'unknown',
    whole(run.rows),
    capWords(run),
    normWords(run),
    whole(run.nonfinite.grad_norm + run.nonfinite.loss),
    whole(run.events.length),
    run.format,
  ])
  if (rows.length > 0) for (const line of inColumns([HEADINGS, ...rows], lineWidth())) console.log(line)
  for (const { run } of outcomes) for (const remark of remarksOn(run)) console.error(`${run.id}: ${remark}`)
  for (const [reason, files] of Map.groupBy(passed, (one) => one.reason))
    console.error(`${files.length === 1 ? files[0]?.path : `${files.length} files`} not imported: ${reason}`)
  const added = outcomes.reduce((sum, outcome) => sum + outcome.added, 0)
  console.error(
    `${outcomes.length} ${outcomes.length === 1 ? 'run' : 'runs'}, ${whole(added)} new points. See ${url}/`,
  )
}

/** What a program wants to know of a run: the link, and all but the points. */
function summary({ run, path, added, state }: Outcome, url: string): object {
  const { points: _, rows, ...rest } = run
  return { ...rest, path, points: rows, added, health: state?.health ?? null, url: `${url}/runs/${run.id}` }
}

function listFormats(json: boolean): void {
  if (json)
    return console.log(JSON.stringify({ formats: formats.map(({ name, title }) => ({ name, title })) }))
  for (const line of inColumns(
    formats.map(({ name, title }) => [name, title]),
    lineWidth(),
  ))
    console.log(line)
}

function readFormat(text: string): string {
  if (text === 'list' || formats.some(({ name }) => name === text)) return text
  throw new InvalidArgumentError('--format list names all formats.')
}

function readCap(text: string): number {
  const cap = Number(text)
  if (Number.isFinite(cap) && cap > 0) return cap
  throw new InvalidArgumentError('It must be a number above 0.')
}

function readMap(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => pair.split('='))
  if (pairs.some((pair) => pair.length !== 2 || pair.includes('')))
    throw new InvalidArgumentError('It must be pairs as in step=iter,grad_norm=gn.')
  return Object.fromEntries(pairs) as Record<string, string>
}
