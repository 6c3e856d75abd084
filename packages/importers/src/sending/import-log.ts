import type { Run } from '@normwatch/protocol'
import type { ReadBeside } from '../caps/cap-beside.ts'
import { LogRefused } from '../format.ts'
import { readLogs, UnknownFormat, type ReadLogOptions } from '../read-log.ts'
import type { ImportedRun } from '../runs/imported-run.ts'
import type { LiveRun } from '../runs/log-draft.ts'
import type { FoundLog, Passed } from './found-log.ts'
import { LiveSender, OtherBeginning } from './live-sender.ts'
import type { RunSender } from './run-sender.ts'

/** Readings of one log that are kept in memory; of a longer one they are sent while it is read. */
const MAX_READINGS = 200_000
/** Logs that are read and sent at the same time. */
const AT_ONCE = 4

export interface Outcome {
  readonly run: ImportedRun
  readonly path: string
  /** Points that the server did not have. */
  readonly added: number
  readonly state: Run | undefined
}

export interface ImportOptions extends Omit<ReadLogOptions, 'beside'> {
  readonly withoutNorms: boolean
  readonly onProgress?: (path: string) => void
  /** Reads a file beside a log, for a cap that the log does not say. */
  readonly besideOf: (path: string) => ReadBeside
  /** Whether an error is the file's own, such as one that was removed meanwhile: then it is passed over. */
  readonly isFileError: (error: unknown) => error is Error
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
        if (!(error instanceof LogRefused || error instanceof UnknownFormat || options.isFileError(error)))
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
  try {
    return await readAndSend(log, new LiveSender(sender), sender, options, passed)
  } catch (error) {
    if (!(error instanceof OtherBeginning)) throw error
    return await readAndSend(log, new LiveSender(sender, true), sender, options, passed)
  }
}

async function readAndSend(
  log: FoundLog,
  live: LiveSender,
  sender: RunSender,
  options: ImportOptions,
  passed: Passed[],
): Promise<Outcome[]> {
  const settings = { ...options, format: log.format, beside: options.besideOf(log.path) }
  const isWanted = (run: ImportedRun): boolean => options.withoutNorms || hasNorms(run)
  /** Rows that were let go before the first norm. */
  const letGo = new Map<string, number>()
  let isSound = await sender.mayRemove()
  const onRun = async (part: LiveRun): Promise<void> => {
    // what was sent of a log that turns out to be broken could not be removed: it is read to its end first
    if (!isSound) await readLogs(log.files, settings, { limit: MAX_READINGS, onRun: () => Promise.resolve() })
    isSound = true
    const { id, rows } = part.run
    if (isWanted(part.run)) await live.queue(part)
    else letGo.set(id, rows)
  }
  const runs = await readLogs(log.files, settings, { limit: MAX_READINGS, onRun }).catch(
    async (error: unknown) => {
      if (!(error instanceof OtherBeginning)) await live.undo()
      throw error
    },
  )
  if (runs.length === 0) passed.push({ path: log.path, reason: 'It holds no entry of a training.' })
  const without = runs.find((run) => !isWanted(run))
  if (without !== undefined) {
    const why = without.notes.at(-1) ?? ''
    passed.push({ path: log.path, reason: `${why} --without-norms imports its loss and learning rate.` })
  }
  const outcomes: Outcome[] = []
  for (const wanted of runs.filter(isWanted)) {
    const lost = letGo.get(wanted.id)
    const note = `The first ${lost} rows have no gradient norm and were left out.`
    const run = lost === undefined ? wanted : { ...wanted, notes: [...wanted.notes, note] }
    const isSent = live.runs.has(run.id)
    if (isSent) await live.finish(run)
    const added = isSent ? live.addedTo(run.id) : await sender.sendWhole(run)
    outcomes.push({ run, path: log.path, added, state: await sender.state(run.id) })
  }
  return outcomes
}

function hasNorms({ norm, parts, layers }: ImportedRun): boolean {
  return norm !== undefined || parts.length > 0 || layers.length > 0
}
