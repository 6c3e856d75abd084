import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Run, SeriesReply } from '@normwatch/protocol'
import { Option, type Command } from 'commander'
import { readReadings } from '../export/readings.ts'
import { Failure, UsageError } from '../failures.ts'
import { findRun } from '../find-run.ts'
import { example } from '../help.ts'
import { serverFromEnvironment, type Server } from '../server.ts'

const FORMATS = ['jsonl', 'csv', 'parquet', 'tensorboard', 'html'] as const
type Format = (typeof FORMATS)[number]

interface Options {
  readonly format: Format
  readonly metric?: string[]
  readonly output?: string
}

/** Readings in memory at a time. */
const READINGS_A_BLOCK = 1_000_000

export function addTo(program: Command): void {
  program
    .command('export')
    .description('writes the record of a run: one step a line or row, in step order, or a page')
    .argument('<run>', 'its id, or how it begins')
    .addOption(new Option('--format <format>', 'of the record').choices(FORMATS).default('jsonl'))
    .option('--metric <name...>', 'only these metrics')
    .option(
      '--output <path>',
      'a file that does not exist yet, for tensorboard a folder (default: standard output)',
    )
    .addHelpText(
      'after',
      example(
        'normwatch export toy --format csv --metric grad_norm --output toy.csv',
        'normwatch export toy --format parquet --output toy.parquet',
        'normwatch export toy --format tensorboard --output runs/toy',
        'normwatch export toy --format html --output toy.html',
      ),
    )
    .action(async (given: string, options: Options) => {
      refuseTerminal(options)
      const server = serverFromEnvironment()
      const run = await findRun(server, given)
      await refuseUnknown(server, run, options.metric ?? [])
      await write(await contentOf(server, run, options), await targetOf(run, options))
    })
}

function refuseTerminal({ format, output }: Options): void {
  if (output !== undefined) return
  if (format === 'tensorboard') throw new UsageError('Name a folder for TensorBoard with --output.')
  if (format === 'parquet' && process.stdout.isTTY) throw new UsageError('Name a file with --output.')
}

/** A metric that was never logged would be a column without a reading. */
async function refuseUnknown(server: Server, run: Run, metrics: readonly string[]): Promise<void> {
  const asked = metrics.filter((name) => !(name in run.latest))
  if (asked.length === 0) return
  const { series } = await server.get<SeriesReply>(`/runs/${run.id}/series`, {
    metric: asked,
    max_points: 10,
  })
  const missing = asked.find((name) => !series[name]?.step.length)
  if (missing !== undefined) throw new Failure(`${run.id} has no metric "${missing}".`)
}

type Content = AsyncIterable<Uint8Array | string>

async function contentOf(server: Server, run: Run, { format, metric }: Options): Promise<Content> {
  if (format === 'html') return (await import('../export/html.ts')).htmlPage(server, run, metric)
  const lines = format === 'jsonl' ? 'ndjson' : 'csv'
  const path = `/runs/${encodeURIComponent(run.id)}/points`
  const { body } = await server.open(path, { format: lines, metric })
  const content = Readable.fromWeb(body as never) as AsyncIterable<Uint8Array>
  if (format === 'jsonl' || format === 'csv') return content
  const readings = await readReadings(content, READINGS_A_BLOCK)
  if (format === 'tensorboard') return (await import('../export/tensorboard.ts')).eventFile(readings)
  const { id, name, project, clip, config } = run
  return (await import('../export/parquet.ts')).parquetFile(readings, { id, name, project, clip, config })
}

/** The file to write; `undefined`: standard output. */
async function targetOf({ created_at }: Run, { format, output }: Options): Promise<string | undefined> {
  if (format !== 'tensorboard' || output === undefined) return output
  await mkdir(output, { recursive: true })
  // TensorBoard reads the files whose names have this in them
  return join(output, `events.out.tfevents.${Math.floor(Date.parse(created_at) / 1000)}.normwatch`)
}

async function write(content: Content, path: string | undefined): Promise<void> {
  const file = path === undefined ? undefined : createWriteStream(path, { flags: 'wx' })
  let isMade = false
  file?.once('open', () => (isMade = true))
  const stop = new AbortController()
  if (file !== undefined)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  try {
    await pipeline(content, file ?? process.stdout, { end: file !== undefined, signal: stop.signal })
  } catch (error) {
    // a partial file would look complete
    if (path !== undefined && isMade) await rm(path, { force: true })
    const reason = stop.signal.aborted ? 'it was interrupted.' : (error as Error).message
    throw new Failure(`The export broke off: ${reason}`, { cause: error })
  }
}
