import type { MetricColumn } from '@normwatch/protocol'
import { ByteReader, ByteWriter } from './bytes.ts'
import { fitFloat32, readShuffled, writeShuffled } from './encode-floats.ts'
import { readTimes, skipTimes, writeTimes } from './encode-times.ts'
import { strideOf, type Rows } from './rows.ts'

/** What a blob of columns begins with: whether it holds steps and times, or the readings only. */
const WITH_STEPS = 1
const READINGS_ONLY = 0

const DOUBLE = 1
const SPARSE = 2

const writer = new ByteWriter()

/**
 * Rows as bytes, exactly; `docs/storage-format.md` draws them. With `metrics`, only those of them are written, and
 * steps and times only if `withSteps`. The bytes stand until the next call.
 */
export function encodeRows(rows: Rows, metrics: Iterable<number>, withSteps: boolean): Uint8Array {
  writer.byte(withSteps ? WITH_STEPS : READINGS_ONLY)
  writer.varint(rows.count)
  if (withSteps && rows.count > 0) {
    writeSteps(rows)
    writeTimes(writer, rows.time.subarray(0, rows.count))
  }
  for (const metric of metrics) {
    const column = rows.columns.get(metric)
    if (column !== undefined) writeColumn(rows.count, metric, column)
  }
  return writer.take()
}

/** The first step, then either one distance for all, or 0 and each distance. */
function writeSteps(rows: Rows): void {
  const { step, count } = rows
  writer.varint(step[0] as number)
  const stride = strideOf(rows)
  writer.varint(stride)
  if (stride > 0) return
  for (let row = 1; row < count; row++) writer.varint((step[row] as number) - (step[row - 1] as number))
}

/** Where numbers are tried as float32: an array for each column would be much of the garbage of a batch. */
let room = new Float32Array(1024)

function writeColumn(count: number, metric: number, { values, present }: MetricColumn): void {
  const here = present?.subarray(0, count)
  const isSparse = here !== undefined && here.includes(0)
  const dense = isSparse
    ? values.subarray(0, count).filter((_, row) => here[row] === 1)
    : values.subarray(0, count)
  if (room.length < dense.length) room = new Float32Array(dense.length)
  const singles = room.subarray(0, dense.length)
  const isSingle = fitFloat32(dense, singles)
  writer.varint(metric)
  writer.byte((isSingle ? 0 : DOUBLE) | (isSparse ? SPARSE : 0))
  if (isSparse) writeBits(here)
  writeShuffled(writer, isSingle ? singles : dense)
}

function writeBits(present: Uint8Array): void {
  const bits = writer.room(Math.ceil(present.length / 8)).fill(0)
  present.forEach((isPresent, row) => {
    bits[row >> 3] = (bits[row >> 3] as number) | (isPresent << (row & 7))
  })
}

/** What a blob holds; `step` and `time` are empty where it holds the readings only. */
export function decodeRows(bytes: Uint8Array, wanted?: ReadonlySet<number>): Rows {
  const reader = new ByteReader(bytes)
  const withSteps = reader.byte() === WITH_STEPS
  const count = reader.varint()
  const hasSpine = withSteps && count > 0
  const step = hasSpine ? readSteps(reader, count) : new Float64Array(0)
  const time = hasSpine ? readTimes(reader, count) : new Float64Array(0)
  const columns = new Map<number, MetricColumn>()
  while (!reader.isAtEnd) {
    const metric = reader.varint()
    const column = readColumn(reader, count, wanted === undefined || wanted.has(metric))
    if (column !== undefined) columns.set(metric, column)
  }
  return { count, step, time, columns }
}

/** The readings of one metric in these blobs, one behind the other in the order of their rows and without them. */
export function decodeReadings(blobs: readonly Uint8Array[], metric: number): Float32Array | Float64Array {
  const found = blobs.map((bytes) => findColumn(bytes, metric)).filter((column) => column !== undefined)
  const total = found.reduce((sum, { length }) => sum + length, 0)
  const all = found.some(({ isDouble }) => isDouble) ? new Float64Array(total) : new Float32Array(total)
  let at = 0
  for (const { reader, length, isDouble } of found) {
    const room = all.subarray(at, at + length)
    if (isDouble || all instanceof Float32Array) readShuffled(reader, room)
    else {
      const singles = new Float32Array(length)
      readShuffled(reader, singles)
      room.set(singles)
    }
    at += length
  }
  return all
}

/** Reads up to the readings of a metric; `undefined` where the blob has none. */
function findColumn(bytes: Uint8Array, metric: number) {
  const reader = new ByteReader(bytes)
  const withSteps = reader.byte() === WITH_STEPS
  const count = reader.varint()
  if (withSteps && count > 0) {
    skipSteps(reader, count)
    skipTimes(reader, count)
  }
  while (!reader.isAtEnd) {
    const isWanted = reader.varint() === metric
    const { length, isDouble } = readHead(reader, count)
    if (isWanted) return { reader, length, isDouble }
    reader.take(length * (isDouble ? 8 : 4))
  }
  return undefined
}

function readSteps(reader: ByteReader, count: number): Float64Array {
  const step = new Float64Array(count)
  step[0] = reader.varint()
  const stride = reader.varint()
  for (let row = 1; row < count; row++) step[row] = (step[row - 1] as number) + (stride || reader.varint())
  return step
}

function skipSteps(reader: ByteReader, count: number): void {
  reader.varint()
  if (reader.varint() === 0) reader.skipVarints(count - 1)
}

/** What stands before the readings of a column: which rows have one, how many do, and how long each is. */
function readHead(reader: ByteReader, count: number) {
  const flags = reader.byte()
  const present = flags & SPARSE ? readBits(reader, count) : null
  const length = present === null ? count : present.reduce((sum, isPresent) => sum + isPresent, 0)
  return { present, length, isDouble: (flags & DOUBLE) !== 0 }
}

/** The column that comes next; `undefined`, and passed over, unless it is wanted. */
function readColumn(reader: ByteReader, count: number, isWanted: boolean): MetricColumn | undefined {
  const { present, length, isDouble } = readHead(reader, count)
  if (!isWanted) {
    reader.take(length * (isDouble ? 8 : 4))
    return undefined
  }
  const dense = isDouble ? new Float64Array(length) : new Float32Array(length)
  readShuffled(reader, dense)
  if (present === null)
    return { values: dense instanceof Float64Array ? dense : new Float64Array(dense), present }
  const values = new Float64Array(count)
  let at = 0
  present.forEach((isPresent, row) => {
    if (isPresent === 1) values[row] = dense[at++] as number
  })
  return { values, present }
}

function readBits(reader: ByteReader, count: number): Uint8Array {
  const bits = reader.take(Math.ceil(count / 8))
  const present = new Uint8Array(count)
  for (let row = 0; row < count; row++) present[row] = ((bits[row >> 3] as number) >> (row & 7)) & 1
  return present
}
