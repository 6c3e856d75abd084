/** Opcodes of Python's pickle (protocol 2 and later) that may stand between a key and its number. */
const BINPUT = 0x71
const LONG_BINPUT = 0x72
const MEMOIZE = 0x94
const BINFLOAT = 0x47
const BININT = 0x4a
const BININT1 = 0x4b
const BININT2 = 0x4d

/**
 * The number that a pickled dict holds under `key`, found by looking at the bytes after the key: nothing of the pickle is
 * executed. `undefined` if not found. Finds it in `training_args.bin`, whose zip keeps the pickle unpacked.
 */
export function pickledNumber(bytes: Uint8Array, key: string): number | undefined {
  const wanted = new TextEncoder().encode(key)
  for (
    let at = bytes.indexOf(wanted[0] as number);
    at >= 0;
    at = bytes.indexOf(wanted[0] as number, at + 1)
  ) {
    if (!wanted.every((byte, i) => bytes[at + i] === byte) || !isString(bytes, at, wanted.length)) continue
    const value = numberAt(bytes, at + wanted.length)
    if (value !== undefined) return value
  }
  return undefined
}

/** Whether the text at `at` is a whole string of the pickle: its length stands before it, in one byte or in four. */
function isString(bytes: Uint8Array, at: number, length: number): boolean {
  const short = bytes[at - 2] === 0x8c && bytes[at - 1] === length
  const long = bytes[at - 5] === 0x58 && bytes[at - 4] === length && bytes[at - 3] === 0
  return short || long
}

function numberAt(bytes: Uint8Array, start: number): number | undefined {
  let at = start
  for (let skipped = 0; skipped < 2; skipped++) {
    if (bytes[at] === MEMOIZE) at += 1
    else if (bytes[at] === BINPUT) at += 2
    else if (bytes[at] === LONG_BINPUT) at += 5
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const fits = (length: number): boolean => at + 1 + length <= bytes.length
  if (bytes[at] === BINFLOAT && fits(8)) return view.getFloat64(at + 1)
  if (bytes[at] === BININT && fits(4)) return view.getInt32(at + 1, true)
  if (bytes[at] === BININT1 && fits(1)) return view.getUint8(at + 1)
  if (bytes[at] === BININT2 && fits(2)) return view.getUint16(at + 1, true)
  return undefined
}
