/** Ends each part of a key, and stands before one that is an integer of eight bytes. */
const SENTINEL = 0xfe
const FLAG = { boolean: 1, integer: 2, float: 3, string: 4 }

const decoder = new TextDecoder()

/** The parts of a key of Aim's store, as `meta`, `chunks`, the run's hash, …; an integer comes as `#` and its hexadecimal digits. */
export function partsOf(key: Uint8Array): string[] {
  const parts: string[] = []
  for (let at = 0; at < key.length;) {
    if (key[at] === SENTINEL) {
      let digits = '#'
      for (let i = at + 1; i < Math.min(at + 9, key.length); i++)
        digits += (key[i] as number).toString(16).padStart(2, '0')
      parts.push(digits)
      at += 10
    } else {
      const end = key.indexOf(SENTINEL, at)
      parts.push(decoder.decode(key.subarray(at, end < 0 ? key.length : end)))
      at = end < 0 ? key.length : end + 1
    }
  }
  return parts
}

/** A number, text or truth that a value of Aim's store is; `undefined` where it is anything else. */
export function valueOf(bytes: Uint8Array): number | string | boolean | undefined {
  const [flag] = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (flag === FLAG.boolean && bytes.length === 2) return bytes[1] !== 0
  if (flag === FLAG.integer && bytes.length === 9) return Number(view.getBigInt64(1, true))
  if (flag === FLAG.float && bytes.length === 9) return view.getFloat64(1, true)
  if (flag === FLAG.string) return decoder.decode(bytes.subarray(1))
  return undefined
}
