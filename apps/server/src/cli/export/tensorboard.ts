import { crc32c } from './crc32c.ts'
import type { Block, Readings } from './readings.ts'

/**
 * The record as a TensorBoard event file: an event a step with a scalar a metric, in 32 bits as TensorBoard draws them.
 * Records are framed as TFRecord: length, its checksum, data, its checksum, all little-endian.
 */
export async function* eventFile({ metrics, blocks }: Readings): AsyncGenerator<Uint8Array> {
  const tags = metrics.map((name) => field(1, Buffer.from(name)))
  yield record(Buffer.concat([double(1, 0), field(3, Buffer.from('brain.Event:2'))]))
  for await (const block of blocks) {
    yield Buffer.concat(block.step.map((_, row) => record(event(block, row, tags))))
  }
}

/** `Event` of TensorFlow's event.proto: wall_time = 1, step = 2, summary = 5. */
function event({ step, time, values }: Block, row: number, tags: readonly Buffer[]): Buffer {
  const scalars = tags.flatMap((tag, i) => {
    const value = values[i]?.[row]
    // Summary.value = 1; Value.tag = 1, Value.simple_value = 2
    return value === null || value === undefined ? [] : [field(1, Buffer.concat([tag, float(2, value)]))]
  })
  return Buffer.concat([
    double(1, time[row] as number),
    Buffer.from([2 << 3]),
    varint(step[row] as number),
    field(5, Buffer.concat(scalars)),
  ])
}

function record(data: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeBigUInt64LE(BigInt(data.length))
  head.writeUInt32LE(masked(head.subarray(0, 8)), 8)
  const foot = Buffer.alloc(4)
  foot.writeUInt32LE(masked(data))
  return Buffer.concat([head, data, foot])
}

/** The masked checksum that TFRecord stores. */
function masked(data: Uint8Array): number {
  const crc = crc32c(data)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** A field of bytes; in protocol buffers the number and the wire type come first. */
const field = (number: number, data: Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(data.length), data])

function double(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = (number << 3) | 1
  bytes.writeDoubleLE(value, 1)
  return bytes
}

function float(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(5)
  bytes[0] = (number << 3) | 5
  bytes.writeFloatLE(value, 1)
  return bytes
}

/** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}
