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

/** Where the readings of one column stand for a moment: arrays for each would be much of the garbage of a batch. */
let doubles = new Float64Array(1024)
let singles = new Float32Array(1024)

function roomForDoubles(count: number): Float64Array {
  if (doubles.length < count) doubles = new Float64Array(count)
  return doubles.subarray(0, count)
}

function roomForSingles(count: number): Float32Array {
  if (singles.length < count) singles = new Float32Array(count)
  return singles.subarray(0, count)
}

function writeColumn(count: number, metric: number, { values, present }: MetricColumn): void {
  const here = present?.subarray(0, count)
  const isSparse = here !== undefined && here.includes(0)
  const dense = isSparse ? gather(values, here) : values.subarray(0, count)
  const asSingles = roomForSingles(dense.length)
  const isSingle = fitFloat32(dense, asSingles)
  writer.varint(metric)
  writer.byte((isSingle ? 0 : DOUBLE) | (isSparse ? SPARSE : 0))
  if (isSparse) writeBits(here)
  writeShuffled(writer, isSingle ? asSingles : dense)
}

/** The values of the rows that have one. */
function gather(values: Float64Array, present: Uint8Array): Float64Array {
  const room = roomForDoubles(present.length)
  let count = 0
  for (let row = 0; row < present.length; row++) if (present[row] === 1) room[count++] = values[row] as number
  return room.subarray(0, count)
}

function writeBits(present: Uint8Array): void {
  const bits = writer.room(Math.ceil(present.length / 8)).fill(0)
  for (let row = 0; row < present.length; row++)
    bits[row >> 3] = (bits[row >> 3] as number) | ((present[row] as number) << (row & 7))
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
  const next = arrays(count, Math.min(COLUMNS_TOGETHER, wanted?.size ?? Infinity))
  while (!reader.isAtEnd) {
    const metric = reader.varint()
    if (wanted === undefined || wanted.has(metric)) columns.set(metric, readColumn(reader, count, next()))
    else skipReadings(reader, readHead(reader, count))
  }
  return { count, step, time, columns }
}

/** Columns that share the memory of one array: allocating one each is much of the time in which thousands of short ones are read. */
const COLUMNS_TOGETHER = 16

function arrays(length: number, together: number): () => Float64Array {
  let room = new Float64Array(0)
  let at = 0
  return () => {
    if (at === room.length) {
      room = new Float64Array(length * together)
      at = 0
    }
    return room.subarray(at, (at += length))
  }
}

/** The readings of one metric in these blobs, one behind the other in the order of their rows and without them. */
export function decodeReadings(blobs: readonly Uint8Array[], metric: number): Float32Array | Float64Array {
  const found = blobs.map((bytes) => findColumn(bytes, metric)).filter((column) => column !== undefined)
  const total = found.reduce((sum, { length }) => sum + length, 0)
  const all = found.some(({ isDouble }) => isDouble) ? new Float64Array(total) : new Float32Array(total)
  let at = 0
  for (const { reader, length, isDouble } of found) {
    const here = all.subarray(at, at + length)
    if (isDouble || all instanceof Float32Array) readShuffled(reader, here)
    else {
      const dense = roomForSingles(length)
      readShuffled(reader, dense)
      here.set(dense)
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
    const head = readHead(reader, count)
    if (isWanted) return { reader, length: head.length, isDouble: head.isDouble }
    skipReadings(reader, head)
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
  const length = present === null ? count : countOf(present)
  return { present, length, isDouble: (flags & DOUBLE) !== 0 }
}

function countOf(present: Uint8Array): number {
  let count = 0
  for (let row = 0; row < present.length; row++) count += present[row] as number
  return count
}

const skipReadings = (reader: ByteReader, { length, isDouble }: ReturnType<typeof readHead>): Uint8Array =>
  reader.take(length * (isDouble ? 8 : 4))

/** Reads the column that comes next into `values`. */
function readColumn(reader: ByteReader, count: number, values: Float64Array): MetricColumn {
  const { present, length, isDouble } = readHead(reader, count)
  if (isDouble && present === null) readShuffled(reader, values)
  else {
    const dense = isDouble ? roomForDoubles(length) : roomForSingles(length)
    readShuffled(reader, dense)
    let at = 0
    for (let row = 0; row < count; row++)
      if (present === null || present[row] === 1) values[row] = dense[at++] as number
  }
  return { values, present }
}

function readBits(reader: ByteReader, count: number): Uint8Array {
  const bits = reader.take(Math.ceil(count / 8))
  const present = new Uint8Array(count)
  for (let row = 0; row < count; row++) present[row] = ((bits[row >> 3] as number) >> (row & 7)) & 1
  return present
}
