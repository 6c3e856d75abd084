import { LogRefused, type Format } from '../../format.ts'
import { fieldsOf } from '../../streams/protobuf.ts'
import { capIn } from '../../caps/cap-in-line.ts'
import { joined } from '../../streams/log-stream.ts'
import { maskedCrc } from './masked-crc.ts'

/** A record: length (8 bytes), its checksum (4), the data, their checksum (4). */
const HEADER = 12
const FOOTER = 4
const MAX_RECORD = 32 * 1024 * 1024
/** Field numbers of TensorFlow's own messages (event.proto, summary.proto, tensor.proto). */
const EVENT = { wallTime: 1, step: 2, summary: 5 }
const VALUE = { tag: 1, simpleValue: 2, tensor: 8 }
const TENSOR = { content: 4, strings: 8, floats: 5 }
const text = new TextDecoder()

/** TensorBoard event files: scalars of any tag. Checksums are checked; a file that is cut off gives the records that are whole. */
export const tensorboard: Format = {
  name: 'tensorboard',
  title: 'TensorBoard event files',
  score: ({ bytes }, path) => {
    const isEvents = bytes.length >= HEADER && maskedCrc(bytes, 0, 8) === uint32(bytes, 8)
    return isEvents ? (/tfevents/.test(path) ? 1 : 0.9) : 0
  },
  runOf: (path) => path.replace(/[^/]*$/, ''),
  async read(stream, log) {
    const run = log.run()
    const read = (record: Uint8Array): void => {
      let time = NaN
      let step = 0
      for (const { number, bytes, value } of fieldsOf(record)) {
        if (number === EVENT.wallTime && bytes?.length === 8) time = float64(bytes)
        else if (number === EVENT.step && value !== undefined) step = value
        else if (number === EVENT.summary && bytes !== undefined)
          for (const { bytes: item } of fieldsOf(bytes)) {
            const scalar = item === undefined ? undefined : scalarOf(item)
            if (typeof scalar?.value === 'number') run.add(step, time, [[scalar.tag, scalar.value]])
            else if (typeof scalar?.value === 'string') {
              const found = capIn(scalar.value.replace(/["\n]+/g, ' '))
              if (found !== undefined) run.cap(found.clip, `${found.key} in ${scalar.tag}`)
            }
          }
      }
    }
    for await (const whole of records(stream.bytes())) for (const record of whole) read(record)
  },
}

function scalarOf(message: Uint8Array): { tag: string; value: number | string | undefined } {
  let tag = ''
  let value: number | string | undefined
  for (const { number, bytes } of fieldsOf(message)) {
    if (bytes === undefined) continue
    if (number === VALUE.tag) tag = text.decode(bytes)
    else if (number === VALUE.simpleValue && bytes.length === 4) value = float32(bytes)
    else if (number === VALUE.tensor)
      for (const part of fieldsOf(bytes)) {
        if (part.bytes === undefined) continue
        const isFloat =
          (part.number === TENSOR.content || part.number === TENSOR.floats) && part.bytes.length === 4
        if (isFloat) value = float32(part.bytes)
        else if (part.number === TENSOR.strings) value = text.decode(part.bytes)
      }
  }
  return { tag, value }
}

/** The records that are whole, those of a chunk at a time. */
async function* records(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Uint8Array[]> {
  let left = new Uint8Array()
  let place = 0
  for await (const chunk of chunks) {
    // a plain view: parts of Node's own kind of buffer cost several times as much
    const plain = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
    const bytes = left.length === 0 ? plain : joined([left, plain])
    const whole: Uint8Array[] = []
    let at = 0
    while (bytes.length - at >= HEADER) {
      const length = uint32(bytes, at) + uint32(bytes, at + 4) * 2 ** 32
      if (maskedCrc(bytes, at, at + 8) !== uint32(bytes, at + 8) || length > MAX_RECORD)
        throw new LogRefused(`At byte ${place + at} the length of a record does not match its checksum.`)
      const end = at + HEADER + length
      if (end + FOOTER > bytes.length) break
      if (maskedCrc(bytes, at + HEADER, end) !== uint32(bytes, end))
        throw new LogRefused(`At byte ${place + at} a record does not match its checksum.`)
      whole.push(bytes.subarray(at + HEADER, end))
      at = end + FOOTER
    }
    place += at
    left = bytes.slice(at)
    yield whole
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

function float32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat32(0, true)
}

function float64(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true)
}
