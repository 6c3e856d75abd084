import { createReadStream } from 'node:fs'
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import {
  ChunkedLog,
  joinFiles,
  recogniseStream,
  UnknownFormat,
  type FoundLog,
  type KnownFile,
  type LogFile,
  type Passed,
} from '@normwatch/importers'
import { queryLog } from '../log-database.ts'

/** Bytes read from a file at once. */
const CHUNK = 64 * 1024
/** Bytes read from a configuration beside a log. */
const MAX_BESIDE = 1024 * 1024
/** Folders that hold no logs of their own. */
const PASSED_FOLDERS = new Set(['node_modules', '.git', '__pycache__', '.venv', 'venv', '.hydra', '.cache'])
/** Extensions of files that are never logs. */
const PASSED_FILES =
  /\.(?:safetensors|pt|pth|bin|ckpt|npy|npz|h5|png|jpe?g|gif|webp|mp4|zip|tar|whl|so|pyc|py|ipynb|ts|js|css|html|lock|db-wal|db-shm)$/i
const MAX_FILES = 100_000

export interface Found {
  readonly logs: readonly FoundLog[]
  readonly passed: readonly Passed[]
}

/** Finds the logs at the paths; folders are walked. Links out of a folder, pipes and devices are passed over. */
export async function findLogs(
  paths: readonly string[],
  format: string | undefined,
  isWanted: (file: WalkedFile) => boolean = () => true,
): Promise<Found> {
  const passed: Passed[] = []
  const files = new Map<string, KnownFile>()
  for (const path of paths) {
    for await (const found of walk(resolve(path), passed)) {
      if (files.has(found.path) || !isWanted(found)) continue
      const name = await formatOf(found.path, format, passed)
      if (name !== undefined)
        files.set(found.path, { ...logFile(found.path), format: name, size: found.size })
    }
  }
  return { logs: joinFiles([...files.values()], passed), passed }
}

export function logFile(path: string): LogFile {
  return {
    path,
    chunks: () => createReadStream(path, { highWaterMark: CHUNK }),
    query: (sql, values) => queryLog(path, sql, values),
  }
}

/** Reads a configuration beside a log, where there is a plain file of that name. */
export function besideOf(log: string): (path: string) => Promise<Uint8Array | undefined> {
  return async (path) => {
    const whole = join(dirname(log), path)
    const found = await stat(whole).catch(() => undefined)
    if (found?.isFile() !== true) return undefined
    const file = await open(whole)
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(Math.min(found.size, MAX_BESIDE)))
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }
}

export interface WalkedFile {
  readonly path: string
  readonly size: number
  readonly modified: number
  readonly inode: number
}

async function* walk(root: string, passed: Passed[]): AsyncGenerator<WalkedFile> {
  const isFolder = (await stat(root)).isDirectory()
  let inside: string | undefined
  const waiting = [root]
  for (let count = 0; waiting.length > 0; count++) {
    const path = waiting.pop() as string
    if (count === MAX_FILES) {
      passed.push({ path, reason: `Only the first ${MAX_FILES} files and folders are looked at.` })
      return
    }
    let found = await lstat(path)
    if (found.isSymbolicLink()) {
      const target = await realpath(path).catch(() => undefined)
      inside ??= (await realpath(root)) + sep
      if (target === undefined || (isFolder && !(target + sep).startsWith(inside))) {
        passed.push({ path, reason: 'It is a link that leads out of the folder, or nowhere.' })
        continue
      }
      // within the folder the target itself is found
      if (isFolder) continue
      found = await stat(path)
    }
    if (found.isDirectory()) {
      const names = (await readdir(path)).sort().reverse()
      for (const name of names) if (!PASSED_FOLDERS.has(name)) waiting.push(join(path, name))
    } else if (!found.isFile()) {
      passed.push({ path, reason: 'It is a pipe, a socket or a device.' })
    } else if (isFolder && PASSED_FILES.test(basename(path))) {
      passed.push({ path, reason: 'Files of its kind are no logs.' })
    } else if (found.size === 0) passed.push({ path, reason: 'It is empty.' })
    else yield { path, size: found.size, modified: found.mtimeMs, inode: found.ino }
  }
}

async function formatOf(
  path: string,
  format: string | undefined,
  passed: Passed[],
): Promise<string | undefined> {
  if (format !== undefined) return format
  const stream = new ChunkedLog(path, logFile(path).chunks())
  try {
    return (await recogniseStream(stream)).name
  } catch (error) {
    const advice = error instanceof UnknownFormat ? ' --format list names all.' : ''
    passed.push({ path, reason: `${(error as Error).message}${advice}` })
    return undefined
  } finally {
    await stream.close()
  }
}

/** The file cannot be read, or went away while it was. */
export function isFileError(error: unknown): error is Error {
  return (
    error instanceof Error && 'syscall' in error && typeof (error as NodeJS.ErrnoException).path === 'string'
  )
}
