import { LogRefused, type Format, type RunWriter } from '../../format.ts'
import { MessageReader, NameCache } from '../../streams/protobuf.ts'
import { capIn } from '../../caps/cap-in-line.ts'
import { joined } from '../../streams/log-stream.ts'
import { maskedCrc } from './masked-crc.ts'
import { ScalarRecord } from './scalar-record.ts'

/** A record: length (8 bytes), its checksum (4), the data, their checksum (4). */
const HEADER = 12
const FOOTER = 4
const MAX_RECORD = 32 * 1024 * 1024
/** Field numbers of TensorFlow's own messages (event.proto, summary.proto, tensor.proto). */
const EVENT = { wallTime: 1, step: 2, summary: 5 }
const VALUE = { tag: 1, simpleValue: 2, tensor: 8 }
const TENSOR = { content: 4, strings: 8, floats: 5 }

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
    const events = new Events(log.run())
    for await (const chunk of stream.bytes()) events.read(chunk)
  },
}

/** Puts the scalars of events into a run. */
class Events {
  readonly #run: RunWriter
  readonly #event = new MessageReader()
  readonly #summary = new MessageReader()
  readonly #item = new MessageReader()
  readonly #tensor = new MessageReader()
  readonly #tags = new NameCache()
  readonly #scalar = new ScalarRecord()

  /** Where the next record begins within the file. */
  #place = 0
  /** Pieces of a record that goes on in the next chunk, and the bytes that they need to have to be read on. */
  #pieces: Uint8Array[] = []
  #held = 0
  #needed = 0

  constructor(run: RunWriter) {
    this.#run = run
  }

  /** Reads the records that are whole with this chunk. */
  read(chunk: Uint8Array): void {
    let at = 0
    while (this.#held > 0) {
      const piece = chunk.subarray(at, at + this.#needed - this.#held)
      at += piece.length
      this.#hold(piece, this.#needed)
      if (this.#held < this.#needed) return
      const begun = joined(this.#pieces)
      this.#pieces = []
      this.#held = 0
      this.#readRecords(begun, 0)
    }
    this.#readRecords(chunk, at)
  }

  #hold(piece: Uint8Array, needed: number): void {
    this.#pieces.push(piece)
    this.#held += piece.length
    this.#needed = needed
  }

  #readRecords(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.length;) {
      if (bytes.length - at < HEADER) return this.#hold(bytes.slice(at), HEADER)
      const length = uint32(bytes, at) + uint32(bytes, at + 4) * 2 ** 32
      if (maskedCrc(bytes, at, at + 8) !== uint32(bytes, at + 8) || length > MAX_RECORD)
        throw new LogRefused(`At byte ${this.#place} the length of a record does not match its checksum.`)
      const end = at + HEADER + length
      if (end + FOOTER > bytes.length) return this.#hold(bytes.slice(at), HEADER + length + FOOTER)
      if (maskedCrc(bytes, at + HEADER, end) !== uint32(bytes, end))
        throw new LogRefused(`At byte ${this.#place} a record does not match its checksum.`)
      const scalar = this.#scalar
      if (scalar.read(bytes, at + HEADER, end)) {
        const tag = this.#tags.textOf(bytes, scalar.tagFrom, scalar.tagTo)
        this.#run.addReading(scalar.step, scalar.time, tag, scalar.value)
      } else this.#readEvent(bytes, at + HEADER, end)
      this.#place += HEADER + length + FOOTER
      at = end + FOOTER
    }
  }

  #readEvent(bytes: Uint8Array, from: number, to: number): void {
    let time = NaN
    let step = 0
    const event = this.#event.open(bytes, from, to)
    while (event.next()) {
      if (event.number === EVENT.wallTime) time = event.double()
      else if (event.number === EVENT.step) step = event.value
      else if (event.number === EVENT.summary) {
        const summary = this.#summary.enter(event)
        while (summary.next()) this.#readValue(this.#item.enter(summary), step, time)
      }
    }
  }

  #readValue(item: MessageReader, step: number, time: number): void {
    let tag = ''
    let value: number | string | undefined
    while (item.next()) {
      if (item.number === VALUE.tag) tag = this.#tags.textOf(item.bytes, item.from, item.to)
      else if (item.number === VALUE.simpleValue && item.length === 4) value = item.float()
      else if (item.number === VALUE.tensor) value = this.#readTensor(item) ?? value
    }
    if (typeof value === 'number') this.#run.addReading(step, time, tag, value)
    else if (value !== undefined) {
      const found = capIn(value.replace(/["\n]+/g, ' '))
      if (found !== undefined) this.#run.cap(found.clip, `${found.key} in ${tag}`)
    }
  }

  #readTensor(item: MessageReader): number | string | undefined {
    let value: number | string | undefined
    const tensor = this.#tensor.enter(item)
    while (tensor.next()) {
      const isFloat = tensor.number === TENSOR.content || tensor.number === TENSOR.floats
      if (isFloat && tensor.length === 4) value = tensor.float()
      else if (tensor.number === TENSOR.strings) value = tensor.text()
    }
    return value
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  )
}
