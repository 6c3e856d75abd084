import { open, stat, type FileHandle } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

/** How often a file is looked at for more: by its size, which network file systems tell too. */
const POLL_MS = 250
const CHUNK = 256 * 1024
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
      if (file === undefined) {
        file = await open(path).catch(() => undefined)
        if (file !== undefined) inode = (await file.stat()).ino
        at = 0
      }
      const buffer = new Uint8Array(CHUNK)
      const bytesRead = (await file?.read(buffer, 0, CHUNK, at))?.bytesRead ?? 0
      if (bytesRead > 0) {
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
        continue
      }
      const now = await stat(path).catch(() => undefined)
      if (now !== undefined && now.ino !== inode) {
        await file?.close()
        file = undefined
        // whatever line was open has ended
        if (at > 0) yield NEWLINE
      } else if (now !== undefined && now.size < at) {
        at = 0
        yield NEWLINE
      } else await setTimeout(POLL_MS, undefined, { signal }).catch(() => {})
    }
  } finally {
    await file?.close()
  }
}
