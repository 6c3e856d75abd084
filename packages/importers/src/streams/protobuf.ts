/** One field of a protobuf message: its number, and its bytes; of a varint its value, below 2^53 exact. */
export interface Field {
  readonly number: number
  readonly bytes: Uint8Array | undefined
  readonly value?: number
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** The fields of a message in order. Stops at what is malformed; fixed-width numbers come as their bytes. */
export function fieldsOf(message: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at++] as number
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const kind = tag % 8
    if (kind === BYTES) {
      const length = varint()
      if (at + length > message.length) return fields
      fields.push({ number, bytes: message.subarray(at, at + length) })
      at += length
      continue
    }
    if (kind === VARINT) {
      fields.push({ number, bytes: undefined, value: varint() })
      continue
    }
    const width = kind === FIXED64 ? 8 : kind === FIXED32 ? 4 : 0
    if (width === 0 || at + width > message.length) return fields
    fields.push({ number, bytes: message.subarray(at, at + width) })
    at += width
  }
  return fields
}
