/** One field of a protobuf message: its number, and its bytes where it is a string, a message or bytes. */
export interface Field {
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

const VARINT = 0
const FIXED64 = 1
const BYTES = 2
const FIXED32 = 5

/** The fields of a message in order. Stops at what is malformed; numbers themselves are not decoded. */
export function* fieldsOf(message: Uint8Array): Generator<Field> {
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
      if (at + length > message.length) return
      yield { number, bytes: message.subarray(at, at + length) }
      at += length
      continue
    }
    if (kind === VARINT) varint()
    else if (kind === FIXED64) at += 8
    else if (kind === FIXED32) at += 4
    else return
    yield { number, bytes: undefined }
  }
}
