import { joined } from './log-stream.ts'

/** LevelDB's log format: blocks of 32 KiB, chunks with a header of checksum, length and type. */
const BLOCK = 32_768
const CHUNK_HEADER = 7
const FULL = 1
const FIRST = 2
const LAST = 4
/** Bytes of one record that are kept; a longer one (a logged image, say) is let go. */
const MAX_RECORD = 16 * 1024 * 1024

/** Whether bytes begin with these. */
export function beginsWith(bytes: Uint8Array, beginning: readonly number[]): boolean {
  return beginning.every((byte, i) => bytes[i] === byte)
}

/**
 * The records of a file in LevelDB's log format, in order, as `.wandb`, `.swanlab` and RocksDB's own logs are. `magic` stands
 * at the file's beginning, before a byte for its version. A file that was cut off (the run was killed) gives the records that
 * are whole. Checksums are not verified.
 */
export async function* recordsOf(
  chunks: AsyncIterable<Uint8Array>,
  magic: readonly number[],
): AsyncGenerator<Uint8Array> {
  const header = magic.length === 0 ? 0 : magic.length + 1
  let left = new Uint8Array()
  /** Where `left` begins within the file. */
  let place = 0
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    const bytes = left.length === 0 ? chunk : joined([left, chunk])
    let at = place === 0 ? header : 0
    if (at > bytes.length) {
      left = bytes.slice()
      continue
    }
    for (;;) {
      const inBlock = BLOCK - ((place + at) % BLOCK)
      if (inBlock < CHUNK_HEADER) {
        if (at + inBlock > bytes.length) break
        at += inBlock
        continue
      }
      if (at + CHUNK_HEADER > bytes.length) break
      const size = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)
      const type = bytes[at + 6] as number
      // A zeroed tail, or a length that leaves its block: nothing whole follows.
      if (type < FULL || type > LAST || size > inBlock - CHUNK_HEADER) return
      const end = at + CHUNK_HEADER + size
      if (end > bytes.length) break
      if (type === FULL || type === FIRST) {
        parts = []
        length = 0
      }
      length += size
      if (length <= MAX_RECORD) parts.push(bytes.slice(at + CHUNK_HEADER, end))
      else parts = []
      if ((type === FULL || type === LAST) && length <= MAX_RECORD) yield joined(parts)
      at = end
    }
    place += at
    left = bytes.slice(at)
  }
}
