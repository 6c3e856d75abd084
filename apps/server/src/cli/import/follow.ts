import { stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import {
  formatNamed,
  importLog,
  LiveSender,
  LogRefused,
  OtherBeginning,
  readLive,
  type FoundLog,
  type ImportOptions,
  type LiveRun,
  type LogFile,
  type Passed,
  type RunSender,
} from '@normwatch/importers'
import { FollowedFile } from './followed-file.ts'
import { besideOf, findLogs, isFileError } from './log-files.ts'
import { tail } from './tail.ts'
import { Ticker } from './ticker.ts'

/** How often a file that is appended to is checked. */
const POLL_MS = 500
/** How often a file that its tool rewrites as a whole is checked. */
const REREAD_MS = 500
/** How often the folders are searched for new files. */
const LOOK_MS = 2000

/**
 * Reads the logs at the paths, and goes on while they grow and new ones appear, until Ctrl-C. Started again it reads them
 * from the beginning, and sends on from where the server's points end.
 */
export async function followLogs(
  paths: readonly string[],
  sender: RunSender,
  options: ImportOptions,
  json: boolean,
): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const ticker = new Ticker(POLL_MS, stop.signal)
  const known: Known = { followed: new Map(), files: new Set(), inodes: new Set() }
  const rewritten = new Map<string, LogFile[]>()
  const reading: Promise<void>[] = []
  const say = (run: LiveRun['run'], path: string): void => {
    if (json) console.log(JSON.stringify({ run: run.id, format: run.format, path }))
    else console.error(`${run.id}: ${path} (${run.format})`)
  }
  let failure: unknown
  const start = (work: Promise<void>): void => {
    reading.push(
      work.catch((error: unknown) => {
        if (error instanceof LogRefused) console.error(error.message)
        else {
          failure ??= error
          stop.abort()
        }
      }),
    )
  }
  const unrecognised = new Map<string, string>()
  while (!stop.signal.aborted) {
    for (const path of paths) {
      const { logs } = await findNew(path, options.format, known, unrecognised)
      for (const log of logs) {
        const fresh: LogFile[] = []
        for (const file of log.files) {
          const { ino } = await stat(file.path)
          // what another log was rotated into, before this follower was started, is read with that one
          if (known.inodes.has(ino)) continue
          fresh.push(file)
          known.files.add(file.path)
          known.inodes.add(ino)
          if (log.isRewritten) continue
          const followed = await FollowedFile.at(file.path)
          known.followed.set(file.path, followed)
          for (const inode of followed.inodes) known.inodes.add(inode)
        }
        if (fresh.length === 0) continue
        if (!log.isRewritten) {
          start(grow({ ...log, files: fresh }, known, sender, options, ticker, stop.signal, say))
        } else {
          // a file that its tool adds to a run belongs to the others
          const run = `${log.format} ${formatNamed(log.format).runOf?.(log.path) ?? log.path}`
          const files = rewritten.get(run)
          if (files !== undefined) files.push(...fresh)
          else {
            const all = [...fresh]
            rewritten.set(run, all)
            start(reread({ ...log, files: all }, sender, options, stop.signal, say))
          }
        }
      }
    }
    await setTimeout(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {})
  }
  await Promise.all(reading)
  if (failure !== undefined) throw failure
}

/** Files that are followed. */
interface Known {
  /** Those that are appended to, by path. */
  readonly followed: Map<string, FollowedFile>
  readonly files: Set<string>
  readonly inodes: Set<number>
}

/** The logs at a path that are not followed yet; a path that is not there yet has none. */
async function findNew(
  path: string,
  format: string | undefined,
  known: Known,
  unrecognised: Map<string, string>,
): Promise<{ logs: readonly FoundLog[] }> {
  return findLogs([path], format, ({ path: file, size, modified, inode }) => {
    if (known.files.has(file)) known.inodes.add(inode)
    // one that was renamed, as a rotated log is, is read to its end by its old name
    if (known.files.has(file) || known.inodes.has(inode)) return false
    // one that was looked at is looked at again when it has changed
    const version = `${size} ${modified}`
    if (unrecognised.get(file) === version) return false
    unrecognised.set(file, version)
    return true
  }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { logs: [] }
    throw error
  })
}

async function grow(
  log: FoundLog,
  known: Known,
  sender: RunSender,
  options: ImportOptions,
  ticker: Ticker,
  signal: AbortSignal,
  say: (run: LiveRun['run'], path: string) => void,
): Promise<void> {
  const settings = { ...options, format: log.format, beside: besideOf(log.path) }
  const isAlone = formatNamed(log.format).runOf === undefined
  await Promise.all(
    log.files.map(async ({ path }) => {
      const file = known.followed.get(path) ?? (await FollowedFile.at(path))
      const said = new Set<string>()
      const read = async (live: LiveSender): Promise<void> => {
        const end = new AbortController()
        const chunks = tail(path, AbortSignal.any([signal, end.signal]), {
          ticker,
          before: file.before,
          onReplaced: (inode) => file.goesOnWith(inode),
        })
        await readLive(chunks, path, file.identity, settings, async (run) => {
          if (!said.has(run.run.id)) say(run.run, path)
          said.add(run.run.id)
          await live.send(run)
        }).finally(() => end.abort())
      }
      // of a run that fills several files no one of them tells what the server has of it
      await read(new LiveSender(sender, !isAlone)).catch((error: unknown) => {
        if (!(error instanceof OtherBeginning)) throw error
        return read(new LiveSender(sender, true))
      })
    }),
  )
}

/** A log that its tool rewrites as a whole is read again whenever one of its files has changed. */
async function reread(
  log: FoundLog,
  sender: RunSender,
  options: ImportOptions,
  signal: AbortSignal,
  say: (run: LiveRun['run'], path: string) => void,
): Promise<void> {
  const said = new Set<string>()
  const passed: Passed[] = []
  for (let version = ''; !signal.aborted;) {
    const found = await Promise.all(log.files.map((file) => versionOf(file.path)))
    const files = log.files.filter((_, i) => found[i] !== undefined)
    const newest = found.join(' ')
    if (files.length > 0 && newest !== version) {
      version = newest
      try {
        for (const { run } of await importLog({ ...log, files }, sender, options, passed)) {
          if (!said.has(run.id)) say(run, log.path)
          said.add(run.id)
        }
      } catch (error) {
        // it is being written, or one of its files has just gone: it is read again when it has changed
        if (!(error instanceof LogRefused || isFileError(error))) throw error
      }
    }
    await setTimeout(REREAD_MS, undefined, { signal }).catch(() => {})
  }
}

/** What changes whenever a file does; `undefined` where it is not there. */
async function versionOf(path: string): Promise<string | undefined> {
  const file = await stat(path).catch(() => undefined)
  if (file === undefined) return undefined
  // SQLite writes new data to its `-wal` file first
  const beside = await stat(`${path}-wal`).catch(() => undefined)
  return [file, beside].map((one) => `${one?.mtimeMs} ${one?.size}`).join(' ')
}
