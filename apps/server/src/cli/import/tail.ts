import { open, stat, type FileHandle } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

/** How often a file is looked at for more: by its size, which network file systems tell too. */
const POLL_MS = 400
const CHUNK = 64 * 1024
const NEWLINE = new Uint8Array([10])

/**
 * A file's bytes, and then those that are appended, until `signal` aborts. A file that was replaced (rotated) is read to
 * its end and the new one from its beginning; one that was cut is read from its beginning again.
 */
export async function* tail(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let file: FileHandle | undefined
  let inode = 0
  let at = 0
  try {
    while (!signal.aborted) {
      const now = await stat(path).catch(() => undefined)
      const isReplaced = file !== undefined && now !== undefined && now.ino !== inode
      if (file === undefined && now !== undefined) {
        file = await open(path).catch(() => undefined)
        if (file !== undefined) inode = (await file.stat()).ino
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
          // whatever line was open has ended
          if (at > 0) yield NEWLINE
          continue
        }
      }
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => {})
    }
  } finally {
    await file?.close()
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
