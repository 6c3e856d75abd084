import { joined } from '../../streams/log-stream.ts'

/** The file begins with `:W&B`, a magic number and a version. */
const FILE_HEADER = 7
const MAGIC = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe]
/** LevelDB's log format: blocks of 32 KiB, chunks with a header of checksum, length and type. */
const BLOCK = 32_768
const CHUNK_HEADER = 7
const FULL = 1
const FIRST = 2
const LAST = 4
/** Bytes of one record that are kept; a longer one (a logged image, say) is let go. */
const MAX_RECORD = 16 * 1024 * 1024

export function isWandbFile(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * The records of a `.wandb` file, in order. A file that was cut off (the run was killed) gives the records that are
 * whole. Checksums are not verified.
 */
export async function* wandbRecords(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = new Uint8Array()
  /** Where `left` begins within the file. */
  let place = 0
  let parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    const bytes = left.length === 0 ? chunk : joined([left, chunk])
    let at = place === 0 ? FILE_HEADER : 0
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
