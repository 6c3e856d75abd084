import { open, stat } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import {
  headOf,
  identityOf,
  importLog,
  LiveSender,
  LogRefused,
  readLive,
  type FoundLog,
  type ImportOptions,
  type LiveRun,
  type Passed,
  type RunSender,
} from '@normwatch/importers'
import { besideOf, findLogs } from './log-files.ts'
import { tail } from './tail.ts'

/** How often a file that its tool rewrites as a whole is checked. */
const REREAD_MS = 500
/** How often the folders are searched for new files. */
const LOOK_MS = 2000

/**
 * Reads the logs at the paths, and goes on while they grow and new ones appear, until Ctrl-C. Started
 * again it reads from the beginning: what the server has already is replaced by the same.
 */
export async function followLogs(
  paths: readonly string[],
  sender: RunSender,
  options: ImportOptions,
  json: boolean,
): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  const live = new LiveSender(sender)
  const known: Known = { files: new Set(), inodes: new Set() }
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
        for (const file of log.files) {
          known.files.add(file.path)
          known.inodes.add((await stat(file.path)).ino)
        }
        start(
          log.isRewritten
            ? reread(log, sender, options, stop.signal, say)
            : grow(log, live, options, stop.signal, say),
        )
      }
    }
    await setTimeout(LOOK_MS, undefined, { signal: stop.signal }).catch(() => {})
  }
  await Promise.all(reading)
  if (failure !== undefined) throw failure
}

/** Files that are followed. */
interface Known {
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
  live: LiveSender,
  options: ImportOptions,
  signal: AbortSignal,
  say: (run: LiveRun['run'], path: string) => void,
): Promise<void> {
  const settings = { ...options, format: log.format, beside: besideOf(log.path) }
  await Promise.all(
    log.files.map(async ({ path }) => {
      const identity = await identityOfFile(path)
      await readLive(tail(path, signal), path, identity, settings, async (run) => {
        if (!live.runs.has(run.run.id)) say(run.run, path)
        await live.send(run)
      })
    }),
  )
}

/** A file that is rewritten as a whole is read again whenever it has changed. */
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
    const now = await stat(log.path).catch(() => undefined)
    // SQLite puts what is new into a file beside its own first
    const beside = await stat(`${log.path}-wal`).catch(() => undefined)
    const newest = [now, beside].map((file) => `${file?.mtimeMs} ${file?.size}`).join(' ')
    if (now !== undefined && newest !== version) {
      version = newest
      for (const { run } of await importLog(log, sender, options, passed)) {
        if (!said.has(run.id)) say(run, log.path)
        said.add(run.id)
      }
    }
    await setTimeout(REREAD_MS, undefined, { signal }).catch(() => {})
  }
}

async function identityOfFile(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0)
    return identityOf(path, headOf(buffer.subarray(0, bytesRead)))
  } finally {
    await file.close()
  }
}
