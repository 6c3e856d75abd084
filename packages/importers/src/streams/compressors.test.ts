import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { loadCompressors } from './compressors.ts'

const LENGTH = 1_000_000
const plain = Buffer.alloc(LENGTH, 'gradient norms, again and again. ')

it.each([
  ['ZSTD', zstdCompressSync],
  ['GZIP', gzipSync],
  ['BROTLI', brotliCompressSync],
] as const)('unpacks %s, and never more bytes than the block says that it has', async (codec, pack) => {
  const unpack = (await loadCompressors())[codec] as (packed: Uint8Array, length: number) => Uint8Array
  const packed = new Uint8Array(pack(plain))
  expect(Buffer.compare(unpack(packed, LENGTH), plain)).toBe(0)
  let length = 0
  try {
    length = unpack(packed, 1000).byteLength
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
  }
  expect(length).toBeLessThanOrEqual(1000)
})
