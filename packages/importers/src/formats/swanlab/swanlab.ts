import type { Format, RunWriter } from '../../format.ts'
import { MessageReader, NameCache } from '../../streams/protobuf.ts'
import { beginsWith, recordsOf } from '../../streams/record-log.ts'

/** The file begins with `:SWL` and a magic number; a version follows. */
const MAGIC = [0x3a, 0x53, 0x57, 0x4c, 0xd6, 0xe1]
/** Field numbers of SwanLab's own messages (record.proto, run.proto, data.proto). */
const RECORD = { start: 10, scalar: 13 }
const START = { name: 4, id: 10 }
const SCALAR = { key: 1, step: 2, timestamp: 4, value: 5 }
const TIMESTAMP = { seconds: 1, nanoseconds: 2 }
const NUMBER = 1
/** What SwanLab measures of the machine. */
const SYSTEM = '__swanlab__'

/** A SwanLab run (`run-….swanlab`): its scalars. The configuration, with the cap, lies beside it in `files/config.yaml`. */
export const swanlab: Format = {
  name: 'swanlab',
  title: 'SwanLab, .swanlab file',
  score: ({ bytes }) => (beginsWith(bytes, MAGIC) ? 1 : 0),
  runOf: (path) => /(?:^|\/)run-(\w+)\.swanlab$/.exec(path)?.[1] ?? path,
  async read(stream, log) {
    let run: RunWriter | undefined
    const record = new MessageReader()
    const scalars = new Scalars()
    for await (const bytes of recordsOf(stream.bytes(), MAGIC)) {
      record.open(bytes)
      while (record.next())
        if (record.number === RECORD.start) run ??= begun(record, log.run.bind(log))
        else if (record.number === RECORD.scalar) scalars.read(record, (run ??= log.run()))
    }
  },
}

function begun(record: MessageReader, runOf: (id?: string) => RunWriter): RunWriter {
  const start = new MessageReader().enter(record)
  let id: string | undefined
  let name: string | undefined
  while (start.next())
    if (start.number === START.id) id = start.text().slice(0, 256) || undefined
    else if (start.number === START.name) name = start.text().slice(0, 256) || undefined
  const run = runOf(id)
  if (name !== undefined) run.named(name)
  return run
}

class Scalars {
  readonly #scalar = new MessageReader()
  readonly #inner = new MessageReader()
  readonly #names = new NameCache()

  read(record: MessageReader, run: RunWriter): void {
    let key = ''
    let step = 0
    let time = NaN
    let value: number | undefined
    const scalar = this.#scalar.enter(record)
    while (scalar.next())
      if (scalar.number === SCALAR.key) key = this.#names.textOf(scalar.bytes, scalar.from, scalar.to)
      else if (scalar.number === SCALAR.step) step = scalar.value
      else if (scalar.number === SCALAR.timestamp) time = this.#readTime()
      // a reading of 0 is an empty message
      else if (scalar.number === SCALAR.value) value = this.#readNumber()
    if (value !== undefined && key !== '' && !key.startsWith(SYSTEM)) run.add(step, time, [[key, value]])
  }

  #readTime(): number {
    let time = 0
    const inner = this.#inner.enter(this.#scalar)
    while (inner.next())
      if (inner.number === TIMESTAMP.seconds) time += inner.value
      else if (inner.number === TIMESTAMP.nanoseconds) time += inner.value / 1e9
    return time > 0 ? time : NaN
  }

  #readNumber(): number {
    let number = 0
    const inner = this.#inner.enter(this.#scalar)
    while (inner.next()) if (inner.number === NUMBER) number = inner.double()
    return number
  }
}
