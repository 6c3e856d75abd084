import { open, stat, type FileHandle } from 'node:fs/promises'
import type { Ticker } from './ticker.ts'

const CHUNK = 64 * 1024
const NEWLINE = new Uint8Array([10])

export interface TailOptions {
  /** When a file is checked for growth, by its size, which also works on network file systems. */
  readonly ticker: Ticker
  /** Files that it was rotated into before, the oldest first: their bytes come first. */
  readonly before?: readonly string[]
  /** Told of the inode of a file that takes the place of the one before. */
  readonly onReplaced?: (inode: number) => Promise<void>
}

/**
 * A file's bytes, and then those that are appended, until `signal` aborts. A file that was replaced (rotated) is read to
 * its end and the new one from its beginning; one that was cut is read from its beginning again.
 */
export async function* tail(
  path: string,
  signal: AbortSignal,
  { ticker, before = [], onReplaced }: TailOptions,
): AsyncGenerator<Uint8Array> {
  for (const old of before) yield* wholeFile(old, signal)
  let file: FileHandle | undefined
  let inode = 0
  let at = 0
  try {
    while (!signal.aborted) {
      const now = await stat(path).catch(() => undefined)
      const isReplaced = file !== undefined && now !== undefined && now.ino !== inode
      if (file === undefined && now !== undefined) {
        file = await open(path).catch(() => undefined)
        if (file !== undefined) {
          const isNext = inode !== 0
          inode = (await file.stat()).ino
          if (isNext) await onReplaced?.(inode)
        }
        at = 0
      } else if (file !== undefined && now !== undefined && !isReplaced && now.size < at) {
        at = 0
        yield NEWLINE
      }
      // an idle file costs one look at its size
      if (file !== undefined && (isReplaced || (now?.size ?? 0) > at)) {
        for await (const chunk of chunksFrom(file, at, signal)) {
          at += chunk.length
          yield chunk
        }
        if (isReplaced) {
          await file.close()
          file = undefined
          // the last line is complete
          if (at > 0) yield NEWLINE
          continue
        }
      }
      await ticker.next()
    }
  } finally {
    await file?.close()
  }
}

/** The bytes of a file that is not written any more, and the end of its last line. */
async function* wholeFile(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch(() => undefined)
  if (file === undefined) return
  try {
    yield* chunksFrom(file, 0, signal)
    yield NEWLINE
  } finally {
    await file.close()
  }
}

/** The bytes of a file from a place to its end. */
async function* chunksFrom(file: FileHandle, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = from; !signal.aborted;) {
    const { buffer, bytesRead } = await file.read(new Uint8Array(CHUNK), 0, CHUNK, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}
