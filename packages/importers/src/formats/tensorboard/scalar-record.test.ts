import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MessageReader } from '../../streams/protobuf.ts'
import { ScalarRecord } from './scalar-record.ts'

/** As TensorBoard's and PyTorch's writers write it. */
function scalarRecord(time: number, step: number, tag: string, value: number): Uint8Array {
  const name = new TextEncoder().encode(tag)
  const varint: number[] = []
  let rest = step
  for (; rest > 127; rest = Math.floor(rest / 128)) varint.push((rest % 128) | 128)
  const item = [0x0a, name.length, ...name, 0x15, ...new Uint8Array(new Float32Array([value]).buffer)]
  const times = new Uint8Array(new Float64Array([time]).buffer)
  const summary = [0x0a, item.length, ...item]
  return Uint8Array.from([0x09, ...times, 0x10, ...varint, rest, 0x2a, summary.length, ...summary])
}

/** The same values, read field by field. */
function fieldByField(bytes: Uint8Array): unknown {
  const [event, summary, item] = [new MessageReader(), new MessageReader(), new MessageReader()]
  const found: Record<string, unknown> = {}
  event.open(bytes)
  while (event.next()) {
    if (event.number === 1) found['time'] = event.double()
    else if (event.number === 2) found['step'] = event.value
    else {
      summary.enter(event)
      while (summary.next()) {
        item.enter(summary)
        while (item.next())
          found[item.number === 1 ? 'tag' : 'value'] = item.number === 1 ? item.text() : item.float()
      }
    }
  }
  return found
}

const record = fc
  .tuple(fc.double(), fc.maxSafeNat(), fc.string({ maxLength: 20 }), fc.float())
  .map((parts) => scalarRecord(...parts))

function read(bytes: Uint8Array): object | undefined {
  const scalar = new ScalarRecord()
  if (!scalar.read(bytes, 0, bytes.length)) return undefined
  const { time, step, value, tagFrom, tagTo } = scalar
  return { time, step, value, tag: new TextDecoder().decode(bytes.subarray(tagFrom, tagTo)) }
}

it('a record of one scalar is read at once, as it is read field by field', () => {
  fc.assert(
    fc.property(record, (bytes) => {
      expect(read(bytes)).toEqual(fieldByField(bytes))
    }),
  )
})

it('a record with other bytes is left to be read field by field, or says the same', () => {
  const edits = fc.array(fc.tuple(fc.nat(80), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(record, edits, fc.nat(5), (bytes, changes, cut) => {
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      const part = bytes.subarray(0, bytes.length - cut)
      const scalar = read(part)
      if (scalar !== undefined) expect(scalar).toEqual(fieldByField(part))
    }),
    { numRuns: 2000 },
  )
})
