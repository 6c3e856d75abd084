import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { decodeReadings, decodeRows } from '../../leaf/encode-rows.ts'
import type { Rows } from '../../leaf/rows.ts'
import { DataDamaged } from '../engine/store-errors.ts'

const PLAIN = 0
const ZSTD = 1

/** Shorter blobs do not repay the call. */
const MIN_LENGTH = 64
/** The fastest ordinary level: on shuffled float columns the higher ones gain under 1 % and cost twice the time. */
const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** Room for what a blob unpacks to: one of four columns of a leaf fits, and is unpacked in one go. */
const unpacking = { chunkSize: 24 * 1024 }

/** A blob as stored: one byte that names the form, then the bytes, compressed where that is shorter. */
export function compress(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= MIN_LENGTH) {
    const smaller = zstdCompressSync(bytes, options)
    if (smaller.length < bytes.length) return prefixed(ZSTD, smaller)
  }
  return plain(bytes)
}

/** A blob stored as it is: one that is soon written anew, or small. */
export const plain = (bytes: Uint8Array): Uint8Array => prefixed(PLAIN, bytes)

function prefixed(form: number, bytes: Uint8Array): Uint8Array {
  const blob = new Uint8Array(bytes.length + 1)
  blob[0] = form
  blob.set(bytes, 1)
  return blob
}

/** The rows in a stored blob. Throws `DataDamaged` when it holds none. */
export const rowsIn = (blob: Uint8Array, wanted?: ReadonlySet<number>): Rows =>
  decoded(blob, (bytes) => decodeRows(bytes, wanted))

/** The readings of one metric in a stored blob, without their rows. Throws `DataDamaged` when it holds no rows. */
export const readingsIn = (blob: Uint8Array, metric: number): Float32Array | Float64Array =>
  decoded(blob, (bytes) => decodeReadings(bytes, metric))

function decoded<T>(blob: Uint8Array, decode: (bytes: Uint8Array) => T): T {
  try {
    const bytes = blob.subarray(1)
    return decode(blob[0] === ZSTD ? zstdDecompressSync(bytes, unpacking) : bytes)
  } catch (error) {
    throw new DataDamaged('The data file is damaged: points in it cannot be read.', { cause: error })
  }
}
