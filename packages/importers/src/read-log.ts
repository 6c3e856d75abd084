import { capBeside, type ReadBeside } from './caps/cap-beside.ts'
import { otherClipNote } from './caps/clip-kind.ts'
import type { Format, Head, ReadOptions } from './format.ts'
import { formats } from './formats/index.ts'
import type { ImportedRun } from './runs/imported-run.ts'
import { LogDraft, type LiveRun } from './runs/log-draft.ts'
import { ChunkedLog, headOf, type Query } from './streams/log-stream.ts'

/** Lowest score at which a file counts as recognised. */
const BAR = 0.5

/** No format is recognised, several are alike, or the one asked for does not exist. */
export class UnknownFormat extends Error {
  override readonly name = 'UnknownFormat'
}

/** The format that scores highest for the file. Throws `UnknownFormat` below the bar and at a tie. */
export function recognise(head: Head, path: string): Format {
  const scored = formats
    .map((format) => ({ format, score: format.score(head, path) }))
    .filter(({ score }) => score >= BAR)
    .sort((a, b) => b.score - a.score)
  const [best, second] = scored
  if (best === undefined)
    throw new UnknownFormat(
      'No training log is recognised: no format finds its own lines in the first 64 KiB.',
    )
  if (second?.score === best.score) {
    const names = scored.filter(({ score }) => score === best.score).map(({ format }) => format.name)
    throw new UnknownFormat(`This can be ${names.join(' or ')}: say which with --format.`)
  }
  return best.format
}

/** The same for a stream. Launchers can print long configurations first: where 64 KiB do not do, 1 MiB is looked at. */
export async function recogniseStream(stream: ChunkedLog): Promise<Format> {
  const head = await stream.head()
  if (formats.some((format) => format.score(head, stream.name) >= BAR)) return recognise(head, stream.name)
  const further = head.bytes.includes(0) ? head : await stream.head(1024 * 1024)
  return recognise(further, stream.name)
}

/** The format of this name. Throws `UnknownFormat`. */
export function formatNamed(name: string): Format {
  const format = formats.find((candidate) => candidate.name === name)
  if (format === undefined) {
    const known = formats.map((candidate) => candidate.name).join(', ')
    throw new UnknownFormat(`No format is called ${name}; the formats are ${known}.`)
  }
  return format
}

export interface ReadLogOptions extends ReadOptions {
  /** A format's name; recognised where it is not given. */
  readonly format?: string
  /** Reads a file beside the log, for a cap that the log does not say. */
  readonly beside?: ReadBeside
}

/** One file of a log, to be opened once. */
export interface LogFile {
  readonly path: string
  chunks(): AsyncIterable<Uint8Array>
  /** Rows of an SQL query over it, where it is on a disk. */
  readonly query?: Query
}

/** Reads a whole log. Throws `UnknownFormat`, and `LogRefused` where the file is broken. */
export function readLog(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  options: ReadLogOptions = {},
): Promise<readonly ImportedRun[]> {
  return readLogs([{ path, chunks: () => chunks }], options)
}

/** Where the rows of a log go while it is read, so that a log of any length fits memory. */
export interface Outflow {
  /** Readings that are kept in memory. A log with fewer is given as a whole, and nothing flows out. */
  readonly limit: number
  /** Takes a run with the rows that were read since it was last given. */
  onRun(run: LiveRun): Promise<void>
}

/** Readings after which a log that has begun to flow out flows again. */
const FLOWING_READINGS = 36_000

/**
 * Reads the files of one log in order: runs of the same id, and steps that go on, are joined. Where the rows flowed out,
 * the runs in the reply have none.
 */
export async function readLogs(
  files: readonly LogFile[],
  options: ReadLogOptions = {},
  outflow?: Outflow,
): Promise<readonly ImportedRun[]> {
  const log = new LogDraft(options)
  const reading: Reading = { name: '', identity: '', format: '' }
  let hasFlowed = false
  const flow = async (): Promise<void> => {
    hasFlowed = true
    await drain(log, reading, options, (run) => outflow?.onRun(run) ?? Promise.resolve())
  }
  await readInto(log, files, options, reading, async () => {
    // of a log that flows anyway, a request's worth goes at a time: the server has work while the next is read
    if (outflow !== undefined && log.readings > (hasFlowed ? FLOWING_READINGS : outflow.limit)) await flow()
  })
  log.settle()
  if (hasFlowed) await flow()
  return withCapsBeside(log.finish(reading.name, reading.identity, reading.format), options.beside)
}

/** The state of reading a log. */
interface Reading {
  name: string
  identity: string
  format: string
}

async function drain(
  log: LogDraft,
  { name, identity, format }: Reading,
  options: ReadLogOptions,
  onRun: Outflow['onRun'],
): Promise<void> {
  for (const live of log.drain(name, identity, format)) {
    const [run = live.run] = await withCapsBeside([live.run], options.beside)
    await onRun({ ...live, run })
  }
}

/** Scores from which the beginning of a log that still grows is trusted to show its format. */
const LIVE_BAR = 0.8

/** Milliseconds without a chunk after which what was read is given. */
const PAUSE_MS = 40
/** Milliseconds after which it is given though chunks come without a pause, and the readings that are kept until then. */
const MAX_WAIT_MS = 250
const MAX_LIVE_READINGS = 100_000

/**
 * Reads a log that still grows and gives each run's new points when its chunks pause, and a few times a second while they do
 * not. Resolves when the chunks end. `identity` tells the log apart, see `identityOf`; the format of a stream is recognised as
 * soon as its text shows it.
 */
export async function readLive(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  identity: string,
  options: ReadLogOptions,
  onRun: (run: LiveRun) => Promise<void>,
): Promise<void> {
  const log = new LogDraft(options)
  const reading: Reading = { name: runName(path), identity, format: '' }
  const flush = async (): Promise<void> => {
    log.settle()
    await drain(log, reading, options, onRun)
  }
  const isFull = (): boolean => log.readings > MAX_LIVE_READINGS
  const stream = new ChunkedLog(path, flushedAtPauses(chunks, flush, isFull))
  try {
    const format = options.format === undefined ? await recogniseLive(stream) : formatNamed(options.format)
    reading.format = format.name
    await format.read(stream, log)
    await flush()
  } finally {
    await stream.close()
  }
}

async function* flushedAtPauses(
  chunks: AsyncIterable<Uint8Array>,
  flush: () => Promise<void>,
  isFull: () => boolean,
): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  let flushedAt = performance.now()
  try {
    for (;;) {
      const next = source.next()
      const isDue = isFull() || performance.now() - flushedAt > MAX_WAIT_MS || (await pausesBefore(next))
      if (isDue) {
        // a chunk that fails meanwhile is told of below
        next.catch(() => {})
        await flush()
        flushedAt = performance.now()
      }
      const { done, value } = await next
      if (done === true) return
      yield value
    }
  } finally {
    // not waited for: where sending failed, the source may wait for a chunk that does not come
    source.return?.().catch(() => {})
  }
}

/** Whether some time passes before it settles. */
async function pausesBefore(next: Promise<unknown>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const pause = new Promise<true>((resolve) => (timer = setTimeout(() => resolve(true), PAUSE_MS)))
  const settled = next.then(
    () => false,
    () => false,
  )
  const isPaused = await Promise.race([pause, settled])
  clearTimeout(timer)
  return isPaused
}

async function recogniseLive(stream: ChunkedLog): Promise<Format> {
  for (let length = 0; ;) {
    // at least one byte more, and all that came with it
    await stream.head(length + 1)
    const head = await stream.head(stream.seen)
    const isSure = formats.some((format) => format.score(head, stream.name) >= LIVE_BAR)
    // when it has ended, or 1 MiB has shown nothing, what there is must do
    if (isSure || head.bytes.length <= length || length > 1024 * 1024) return recognise(head, stream.name)
    length = stream.seen
  }
}

async function readInto(
  log: LogDraft,
  files: readonly LogFile[],
  options: ReadLogOptions,
  reading: Reading,
  betweenChunks: () => Promise<void>,
): Promise<void> {
  let format = options.format === undefined ? undefined : formatNamed(options.format)
  for (const [i, file] of files.entries()) {
    const stream = new ChunkedLog(file.path, file.chunks(), { betweenChunks, query: file.query })
    try {
      format ??= await recogniseStream(stream)
      if (i > 0) log.continued()
      else {
        reading.name = runName(file.path)
        reading.format = format.name
        // a file that is rewritten keeps only its path
        reading.identity = format.isRewritten ? file.path : identityOf(file.path, await stream.head())
      }
      await format.read(stream, log)
    } finally {
      await stream.close()
    }
  }
}

/** The same from text in memory. */
export function readLogText(
  text: string,
  name: string,
  options: ReadLogOptions = {},
): Promise<readonly ImportedRun[]> {
  return readLog(
    (async function* () {
      yield new TextEncoder().encode(text)
    })(),
    name,
    options,
  )
}

/** The identity of a file, even after it has grown: its path and its first line. */
export function identityOf(path: string, head: Head): string {
  const [line = ''] = headOf(head.bytes.subarray(0, 1024)).text.split(/[\r\n]/, 1)
  return `${path}\n${line.slice(0, 256)}`
}

/** A run's name where its log gives none: the file and the folder it is in, as most files are called alike. */
export function runName(path: string): string {
  return path
    .replace(/\.gz$/, '')
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .slice(-2)
    .join('/')
}

/** Runs without a cap in their logs get the one from a file beside the log. */
export async function withCapsBeside(
  runs: readonly ImportedRun[],
  beside: ReadBeside | undefined,
): Promise<ImportedRun[]> {
  if (beside === undefined || runs.every(({ clip }) => clip !== undefined)) return [...runs]
  const found = await capBeside(beside)
  if (found === undefined) return [...runs]
  const { clip, foundIn } = found
  if (clip.mode === 'other') {
    const note = otherClipNote(clip.by, foundIn)
    return runs.map((run) => (run.clip === undefined ? { ...run, notes: [...run.notes, note] } : run))
  }
  return runs.map((run) => (run.clip === undefined ? { ...run, clip, capFoundIn: foundIn } : run))
}
