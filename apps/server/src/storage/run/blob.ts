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

/** Room for what a blob unpacks to: one of four columns of a leaf fits, and is unpacked in one go. */
const unpacking = { chunkSize: 24 * 1024 }

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
export const rowsIn = (blob: Uint8Array, wanted?: ReadonlySet<number>): Rows =>
  decoded(blob, (bytes) => decodeRows(bytes, wanted))

/** The readings of one metric in these stored blobs, one behind the other and without their rows. Throws `DamagedPoints`. */
export const readingsIn = (blobs: readonly Uint8Array[], metric: number): Float32Array | Float64Array =>
  orDamaged(() => decodeReadings(unpackedAll(blobs.map(content)), metric))

const decoded = <T>(blob: Uint8Array, decode: (bytes: Uint8Array) => T): T =>
  orDamaged(() => decode(unpacked(content(blob))))

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
  return {
    bytes: blob.subarray(blob[0] === PLAIN || blob[0] === ZSTD ? HEAD : 1),
    isPacked: blob[0] === ZSTD || blob[0] === OLD_ZSTD,
  }
}

const unpacked = ({ bytes, isPacked }: Content): Uint8Array =>
  isPacked ? zstdDecompressSync(bytes, unpacking) : bytes

/** The same for many. Those that follow each other and unpack to the same length do so in one call: most of a call's time is its context's. */
function unpackedAll(contents: readonly Content[]): Uint8Array[] {
  const lengths = contents.map(({ bytes, isPacked }) => (isPacked ? unpackedLength(bytes) : undefined))
  const all: Uint8Array[] = []
  for (let from = 0; from < contents.length;) {
    const length = lengths[from]
    let to = from + 1
    while (length !== undefined && lengths[to] === length) to++
    const alike = contents.slice(from, to)
    all.push(...((length !== undefined && unpackedAlike(alike, length)) || alike.map(unpacked)))
    from = to
  }
  return all
}

/**
 * Frames that each unpack to this length; `undefined` if they did not. zlib goes on to the next frame as long as the one before
 * has filled its room to the last byte.
 */
function unpackedAlike(frames: readonly Content[], length: number): Uint8Array[] | undefined {
  if (frames.length === 1) return undefined
  const bytes = zstdDecompressSync(together(frames), { chunkSize: length })
  if (bytes.length !== frames.length * length) return undefined
  return frames.map((_, i) => bytes.subarray(i * length, (i + 1) * length))
}

/** Where frames are put together: new room for each call would be half a gigabyte for a run of 100,000,000 points. */
let room = new Uint8Array(0)

function together(frames: readonly Content[]): Uint8Array {
  const length = frames.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if (length > room.length) room = new Uint8Array(length)
  let at = 0
  for (const { bytes } of frames) {
    room.set(bytes, at)
    at += bytes.length
  }
  return room.subarray(0, length)
}

/** The length that the head of a zstd frame (RFC 8878) gives for its content; `undefined` without, or too short for one call. */
function unpackedLength(frame: Uint8Array): number | undefined {
  const descriptor = frame[4] ?? 0
  const isOneSegment = (descriptor & 0x20) !== 0
  if (!isOneSegment || (descriptor & 0b11) !== 0 || frame.length < 9) return undefined
  const view = new DataView(frame.buffer, frame.byteOffset)
  const form = descriptor >>> 6
  if (form === 0 || form === 3) return undefined
  return form === 1 ? view.getUint16(5, true) + 256 : view.getUint32(5, true)
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
