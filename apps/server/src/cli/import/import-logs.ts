import {
  LogRefused,
  streamLogs,
  surveyLogs,
  UnknownFormat,
  type ImportedRun,
  type ReadLogOptions,
} from '@normwatch/importers'
import type { Run } from '@normwatch/protocol'
import { besideOf, type FoundLog, type Passed } from './log-files.ts'
import type { RunSender } from './send-run.ts'

/** Readings of one log that are kept in memory; a longer log is read twice. */
const MAX_READINGS = 3_000_000
/** Logs that are read and sent at the same time. */
const AT_ONCE = 4

export interface Outcome {
  readonly run: ImportedRun
  readonly path: string
  /** Points that the server did not have. */
  readonly added: number
  readonly state: Run | undefined
}

export interface ImportOptions extends ReadLogOptions {
  readonly withoutNorms: boolean
  readonly onProgress?: (path: string) => void
}

/** Reads and sends the logs. A log that is refused, or holds nothing to import, is passed over with the reason. */
export async function importLogs(
  logs: readonly FoundLog[],
  sender: RunSender,
  options: ImportOptions,
  passed: Passed[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const waiting = [...logs]
  const worker = async (): Promise<void> => {
    for (let log = waiting.shift(); log !== undefined; log = waiting.shift()) {
      options.onProgress?.(log.path)
      try {
        outcomes.push(...(await importLog(log, sender, options, passed)))
      } catch (error) {
        if (!(error instanceof LogRefused || error instanceof UnknownFormat || isFileError(error)))
          throw error
        passed.push({ path: log.path, reason: error.message })
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return outcomes.sort((a, b) => a.path.localeCompare(b.path))
}

export async function importLog(
  log: FoundLog,
  sender: RunSender,
  options: ImportOptions,
  passed: Passed[],
): Promise<Outcome[]> {
  const settings = { ...options, format: log.format, beside: besideOf(log.path) }
  const { runs, plans } = await surveyLogs(log.files, MAX_READINGS, settings)
  if (runs.length === 0) passed.push({ path: log.path, reason: 'It holds no entry of a training.' })
  const hasNorms = (run: ImportedRun): boolean =>
    run.norm !== undefined || run.parts.length > 0 || run.layers.length > 0
  const wanted = runs.filter((run) => options.withoutNorms || hasNorms(run))
  if (wanted.length < runs.length) {
    const why = runs.find((run) => !hasNorms(run))?.notes.at(-1) ?? ''
    passed.push({ path: log.path, reason: `${why} --without-norms imports its loss and learning rate.` })
  }
  const outcomes: Outcome[] = []
  if (plans === undefined) {
    for (const run of wanted)
      outcomes.push({ run, path: log.path, added: await sender.sendWhole(run), state: undefined })
  } else if (wanted.length > 0) {
    for (const run of wanted) await sender.begin(run)
    await streamLogs(log.files, plans, settings, async (nth, points) => {
      const run = runs[nth]
      if (run !== undefined && wanted.includes(run)) await sender.post(run.id, points)
    })
    for (const run of wanted) {
      await sender.postEvents(run)
      await sender.finish(run.id)
      outcomes.push({ run, path: log.path, added: run.rows, state: undefined })
    }
  }
  return Promise.all(
    outcomes.map(async (outcome) => ({ ...outcome, state: await sender.state(outcome.run.id) })),
  )
}

/** The file cannot be read, or went away while it was. */
function isFileError(error: unknown): error is Error {
  return (
    error instanceof Error && 'syscall' in error && typeof (error as NodeJS.ErrnoException).path === 'string'
  )
}
