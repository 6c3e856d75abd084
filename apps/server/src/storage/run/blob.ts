import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeReadings, decodeRows } from '../leaf/encode-rows.ts'
import type { Rows } from '../leaf/rows.ts'
import { DamagedPoints } from './damage.ts'

/** What the first byte of a blob means. No two of them differ by a single bit. */
const PLAIN = 0x5a
const ZSTD = 0xa5
/** As versions up to 0.1 wrote them, without a checksum. */
const OLD_PLAIN = 0
const OLD_ZSTD = 1

/** Form and checksum. */
const HEAD = 5

/** Compressing shorter blobs saves nothing. */
const MIN_LENGTH = 64
/** The fastest ordinary level: on shuffled float columns the higher ones gain under 1 % and cost twice the time. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Room for what a blob unpacks to, unless that is known: one of four columns of a leaf fits, and is unpacked in one go. */
const USUAL_LENGTH = 24 * 1024
/** The least that zlib takes. */
const MIN_ROOM = 64

/** A blob as stored: a byte that names the form, the CRC-32 of what follows, then that, compressed where it is shorter. */
export function compress(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= MIN_LENGTH) {
    const smaller = zstdCompressSync(bytes, options)
    if (smaller.length < bytes.length) return sealed(ZSTD, smaller)
  }
  return plain(bytes)
}

/** A blob stored uncompressed: one that is small, or rewritten soon. */
export const plain = (bytes: Uint8Array): Uint8Array => sealed(PLAIN, bytes)

function sealed(form: number, bytes: Uint8Array): Uint8Array {
  const blob = new Uint8Array(bytes.length + HEAD)
  blob[0] = form
  new DataView(blob.buffer).setUint32(1, crc32(bytes), true)
  blob.set(bytes, HEAD)
  return blob
}

/** The rows in a stored blob. Throws `DamagedPoints`. */
export const rowsIn = (blob: Uint8Array): Rows => orDamaged(() => decodeRows(unpacked(content(blob))))

/** The rows in each of these blobs. Throws `DamagedPoints`. */
export const allRowsIn = (blobs: readonly Uint8Array[], wanted?: ReadonlySet<number>): Rows[] =>
  orDamaged(() => unpackedAll(blobs.map(content)).map((bytes) => decodeRows(bytes, wanted)))

/** The readings of one metric in these stored blobs, one behind the other and without their rows. Throws `DamagedPoints`. */
export const readingsIn = (blobs: readonly Uint8Array[], metric: number): Float32Array | Float64Array =>
  orDamaged(() => decodeReadings(unpackedAll(blobs.map(content)), metric))

/** What a stored blob that is whole holds; `length`, where that is known. Throws `DamagedPoints`. */
export const bytesIn = (blob: Uint8Array, length?: number): Uint8Array =>
  orDamaged(() => unpacked(behindHead(blob), length))

function orDamaged<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw new DamagedPoints({}, { cause: error })
  }
}

/** What a blob holds, behind its form and checksum. */
interface Content {
  readonly bytes: Uint8Array
  readonly isPacked: boolean
}

function content(blob: Uint8Array): Content {
  if (!isWhole(blob)) throw new RangeError('The checksum of the blob is not that of its bytes.')
  return behindHead(blob)
}

const behindHead = (blob: Uint8Array): Content => ({
  bytes: blob.subarray(blob[0] === PLAIN || blob[0] === ZSTD ? HEAD : 1),
  isPacked: blob[0] === ZSTD || blob[0] === OLD_ZSTD,
})

const unpacked = ({ bytes, isPacked }: Content, length = USUAL_LENGTH): Uint8Array =>
  isPacked ? zstdDecompressSync(bytes, { chunkSize: Math.max(MIN_ROOM, length) }) : bytes

/** The same for many. All that are packed are unpacked in one call: most of the time of a call for each is its context's. */
function unpackedAll(contents: readonly Content[]): Uint8Array[] {
  const frames = contents.map(({ bytes, isPacked }) => (isPacked ? frameIn(bytes) : undefined))
  const alike = unpackedAlike(frames.filter((frame) => frame !== undefined))
  let next = 0
  return contents.map((content, i) => {
    const unpackedHere = frames[i] === undefined ? undefined : alike?.[next++]
    return unpackedHere ?? unpacked(content)
  })
}

/** A zstd frame (RFC 8878): its blocks, and where the header of the last of them stands. */
interface Frame {
  readonly length: number
  readonly blocks: Uint8Array
  readonly last: number
}

const MAGIC = 0xfd2fb528
/** What describes a frame without a window of its own or a checksum, whose length has four bytes; and its header's length. */
const DESCRIPTOR = 0xa0
const FRAME_HEAD = 9
const MOST_IN_BLOCK = 2 ** 17

/** `undefined` where the head does not give the length of the content, or what follows are not blocks alone. */
function frameIn(bytes: Uint8Array): Frame | undefined {
  const descriptor = bytes[4] ?? 0
  const hasWindow = (descriptor & 0x20) === 0
  const form = descriptor >>> 6
  if ((descriptor & 0b1111) !== 0 || bytes.length < FRAME_HEAD + 1 || form === 0 || form === 3)
    return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = hasWindow ? 6 : 5
  const length = form === 1 ? view.getUint16(at, true) + 256 : view.getUint32(at, true)
  const blocks = bytes.subarray(at + (form === 1 ? 2 : 4))
  for (let place = 0; place + 3 <= blocks.length;) {
    const low = blocks[place] as number
    const size = (low >>> 3) | ((blocks[place + 1] as number) << 5) | ((blocks[place + 2] as number) << 13)
    const isRepeated = (low & 0b110) === 0b010
    const next = place + 3 + (isRepeated ? 1 : size)
    if ((low & 1) === 1) return next === blocks.length ? { length, blocks, last: place } : undefined
    place = next
  }
  return undefined
}

/** `undefined` if there is nothing to gain, or they are not what their heads say. */
function unpackedAlike(frames: readonly Frame[]): Uint8Array[] | undefined {
  const length = frames.reduce((most, frame) => Math.max(most, frame.length), 0)
  if (frames.length < 2 || length > MOST_IN_BLOCK) return undefined
  const bytes = zstdDecompressSync(together(frames, length), { chunkSize: length })
  if (bytes.length !== frames.length * length) return undefined
  return frames.map((frame, i) => bytes.subarray(i * length, i * length + frame.length))
}

/** Where frames are put together: new room for each call would be half a gigabyte for a run of 100,000,000 points. */
let room = new Uint8Array(0)

/**
 * The frames one behind the other, each with zeros at its end up to this length. zlib goes on to the next frame as long as the one
 * before has filled its room to the last byte.
 */
function together(frames: readonly Frame[], length: number): Uint8Array {
  const total = frames.reduce((sum, { blocks }) => sum + FRAME_HEAD + blocks.length + 4, 0)
  if (total > room.length) room = new Uint8Array(total)
  const view = new DataView(room.buffer)
  let at = 0
  for (const { blocks, last, length: own } of frames) {
    view.setUint32(at, MAGIC, true)
    view.setUint8(at + 4, DESCRIPTOR)
    view.setUint32(at + 5, length, true)
    at += FRAME_HEAD
    room.set(blocks, at)
    view.setUint8(at + last, view.getUint8(at + last) & ~1)
    at += blocks.length
    // a last block that repeats the byte 0, and this byte
    view.setUint32(at, ((length - own) << 3) | 0b011, true)
    at += 4
  }
  return room.subarray(0, total)
}

/** Whether a blob is as it was written, as far as can be told: those without a checksum are taken at their word. */
export function isWhole(blob: Uint8Array): boolean {
  const form = blob[0]
  if (form === OLD_PLAIN || form === OLD_ZSTD) return true
  if ((form !== PLAIN && form !== ZSTD) || blob.length < HEAD) return false
  return checksumAt(blob, 1) === crc32(blob.subarray(HEAD))
}

/** A page of float64 with its CRC-32 behind it. */
export function sealPage(page: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(page.length + 4)
  sealed.set(page)
  new DataView(sealed.buffer).setUint32(page.length, crc32(page), true)
  return sealed
}

/** The page in its stored form; older ones have no checksum, and so a length of whole float64. Throws `DamagedPoints`. */
export function openPage(stored: Uint8Array): Uint8Array {
  if (stored.length % 8 === 0) return stored
  if (!isWholePage(stored)) throw new DamagedPoints({})
  return stored.subarray(0, -4)
}

export const isWholePage = (stored: Uint8Array): boolean =>
  stored.length % 8 === 0 ||
  (stored.length % 8 === 4 && checksumAt(stored, stored.length - 4) === crc32(stored.subarray(0, -4)))

const checksumAt = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
