/** The file begins with `:W&B`, a magic number and a version. */
const FILE_HEADER = 7
const MAGIC = [0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe]
/** LevelDB's log format: blocks of 32 KiB, chunks with a header of checksum, length and type. */
const BLOCK = 32_768
const CHUNK_HEADER = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export function isWandbFile(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte)
}

/**
 * The records of a `.wandb` file, in order. A file that was cut off (the run was killed) gives the records that are
 * whole. Checksums are not verified.
 */
export function* wandbRecords(bytes: Uint8Array): Generator<Uint8Array> {
  let parts: Uint8Array[] = []
  for (let at = FILE_HEADER; at + CHUNK_HEADER <= bytes.length;) {
    const left = BLOCK - (at % BLOCK)
    if (left < CHUNK_HEADER) {
      at += left
      continue
    }
    const length = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8)
    const type = bytes[at + 6] as number
    const end = at + CHUNK_HEADER + length
    // A zeroed tail or one that is cut off: nothing whole follows.
    if (type < FULL || type > LAST || end > bytes.length) return
    if (type === FULL || type === FIRST) parts = []
    parts.push(bytes.subarray(at + CHUNK_HEADER, end))
    if (type === FULL || type === LAST) yield joined(parts)
    at = end
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
