import { LogRefused } from '../../format.ts'
import { recordsOf } from '../../streams/record-log.ts'

/** What a key of a RocksDB store was set to. */
export interface Entry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Unpacks snappy into so many bytes. */
export type Unpack = (packed: Uint8Array, length: number) => Uint8Array

/** A table ends with the places of its indices, a version (4 bytes) and these. */
const TABLE_MAGIC = [0xf7, 0xcf, 0xf4, 0x85, 0xb7, 0x41, 0xe2, 0x88]
const FOOTER = 53
/** After each block: how it is compressed, and a checksum. */
const BLOCK_TRAILER = 5
const UNCOMPRESSED = 0
const SNAPPY = 1
/** Bytes of a block; RocksDB's own are of 4 KiB, more where one value is long. */
const MAX_BLOCK = 32 * 1024 * 1024
/** Snappy packs 64 bytes into two at the best. */
const MAX_RATIO = 32
/** Bytes of a key; Aim's hold a run's hash and the name of a metric. */
const MAX_KEY = 4096
/** A key ends with its number in the order of writing and what was done: 1 where it was set. */
const KEY_TAIL = 8
const SET = 1
/** A batch of writes begins with its number and their count. */
const BATCH_HEADER = 12
const WRITE = { deletion: 0, set: 1, merge: 2, logData: 3, singleDeletion: 7, rangeDeletion: 15 }

/** A place within bytes that is read on from. Throws `LogRefused` past their end. */
class Cursor {
  readonly bytes: Uint8Array
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      if (this.at >= this.end || factor > 2 ** 63) throw broken(this.at)
      const byte = this.bytes[this.at++] as number
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.end) throw broken(this.at)
    return this.bytes.subarray(this.at, (this.at += length))
  }
}

/**
 * The keys that a RocksDB table (`….sst`) sets, in their order, each with its newest value. Blocks are plain or compressed by
 * snappy. Throws `LogRefused` where the table is broken. Checksums are not verified.
 */
export function* tableEntries(table: Uint8Array, unpack: Unpack): Generator<Entry> {
  const footer = table.length - FOOTER
  if (footer < 0 || TABLE_MAGIC.some((byte, i) => table[table.length - 8 + i] !== byte))
    throw new LogRefused('This RocksDB table does not end as one: it is cut off, or still being written.')
  // the place of the index of properties comes first, in bytes 1 and on
  const places = new Cursor(table, footer + 1, table.length - 12)
  places.varint()
  places.varint()
  const index = blockAt(table, places.varint(), places.varint(), unpack)
  let last = new Uint8Array()
  for (const { offset, size } of blocksOf(index))
    for (const { key, value } of blockEntries(blockAt(table, offset, size, unpack))) {
      if (key.length < KEY_TAIL) continue
      const user = key.subarray(0, key.length - KEY_TAIL)
      // of one key the newest comes first
      if (isSame(user, last)) continue
      last = new Uint8Array(user)
      if (key[key.length - KEY_TAIL] === SET) yield { key: user, value }
    }
}

/** The keys that a RocksDB store's own log (`….log`) sets, in the order of writing: what is not yet in a table. */
export async function* logEntries(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  for await (const batch of recordsOf(chunks, [])) {
    const cursor = new Cursor(batch, BATCH_HEADER)
    while (cursor.at < batch.length) {
      const kind = batch[cursor.at++] as number
      if (kind === WRITE.set || kind === WRITE.merge || kind === WRITE.rangeDeletion) {
        const key = cursor.take(cursor.varint())
        const value = cursor.take(cursor.varint())
        // what is deleted before it is set is all that Aim deletes of a run
        if (kind === WRITE.set) yield { key, value }
      } else if (kind === WRITE.deletion || kind === WRITE.singleDeletion || kind === WRITE.logData)
        cursor.take(cursor.varint())
      // Aim writes no other
      else break
    }
  }
}

function blockAt(table: Uint8Array, offset: number, size: number, unpack: Unpack): Uint8Array {
  const end = offset + size
  if (end + BLOCK_TRAILER > table.length) throw broken(offset)
  const block = table.subarray(offset, end)
  const compression = table[end]
  if (compression === UNCOMPRESSED) return block
  if (compression !== SNAPPY)
    throw new LogRefused(
      `At byte ${end} a block is compressed by RocksDB’s method ${compression}; snappy is read.`,
    )
  const length = new Cursor(block).varint()
  if (length > MAX_BLOCK || length > MAX_RATIO * (block.length + 8)) throw broken(offset)
  try {
    return unpack(block, length)
  } catch (error) {
    throw new LogRefused(`At byte ${offset} a block does not unpack.`, { cause: error })
  }
}

/** Where the blocks lie that an index lists. Its first entry, and those that share nothing with the one before, say both numbers; others how the size differs. */
function* blocksOf(index: Uint8Array): Generator<{ offset: number; size: number }> {
  const cursor = new Cursor(index, 0, entriesEnd(index))
  let [offset, size] = [0, 0]
  let end = 0
  while (cursor.at < cursor.end) {
    const shared = cursor.varint()
    cursor.take(cursor.varint())
    if (shared === 0) {
      offset = cursor.varint()
      size = cursor.varint()
    } else {
      offset += size + BLOCK_TRAILER
      const difference = cursor.varint()
      size += difference % 2 === 0 ? difference / 2 : -(difference + 1) / 2
    }
    // blocks that lie over each other would cost more time than the file has bytes
    if (offset < end || size < 0) throw broken(offset)
    end = offset + size
    yield { offset, size }
  }
}

/** The entries of a block: each says how much of its key it shares with the one before. */
function* blockEntries(block: Uint8Array): Generator<Entry> {
  const cursor = new Cursor(block, 0, entriesEnd(block))
  let key = new Uint8Array()
  while (cursor.at < cursor.end) {
    const shared = cursor.varint()
    const own = cursor.varint()
    const valueLength = cursor.varint()
    if (shared > key.length || shared + own > MAX_KEY) throw broken(cursor.at)
    const next = new Uint8Array(shared + cursor.take(own).length)
    next.set(key.subarray(0, shared))
    next.set(block.subarray(cursor.at - own, cursor.at), shared)
    key = next
    yield { key, value: cursor.take(valueLength) }
  }
}

/** Where a block's entries end: after them come places to begin at, four bytes each, and how many there are. */
function entriesEnd(block: Uint8Array): number {
  if (block.length < 4) throw broken(0)
  const count = new DataView(block.buffer, block.byteOffset, block.length).getUint32(block.length - 4, true)
  const end = block.length - 4 - (count & 0x7fffffff) * 4
  if (end < 0) throw broken(0)
  return end
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

function broken(at: number): LogRefused {
  return new LogRefused(`Near byte ${at} this RocksDB file is broken.`)
}
