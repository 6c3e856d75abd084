import { randomBytes } from 'node:crypto'
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { loadCompressors } from './compressors.ts'

const LENGTH = 1_000_000
const plain = Buffer.alloc(LENGTH, 'gradient norms, again and again. ')

it.each([
  ['ZSTD', zstdCompressSync],
  ['GZIP', gzipSync],
  ['BROTLI', brotliCompressSync],
] as const)('unpacks %s, and never more bytes than the block says that it has', async (codec, pack) => {
  const unpack = (await loadCompressors())[codec] as Unpack
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

type Unpack = (packed: Uint8Array, length: number) => Uint8Array

it.each(['LZ4', 'LZ4_RAW'] as const)(
  'unpacks an empty block of %s, as of a column without values',
  async (codec) => {
    const unpack = (await loadCompressors())[codec] as Unpack
    expect(unpack(Uint8Array.of(0), 0)).toEqual(new Uint8Array())
  },
)

describe('ZSTD', async () => {
  const unpack = (await loadCompressors())['ZSTD'] as Unpack
  const {
    ZSTD_c_checksumFlag: checksum,
    ZSTD_c_contentSizeFlag: size,
    ZSTD_c_compressionLevel: level,
  } = constants

  it.each([0, 1, 300, 70_000, 700_000])('unpacks %d bytes, with any header', (length) => {
    const mixed = Buffer.concat([
      randomBytes(Math.floor(length / 2)),
      plain.subarray(0, Math.ceil(length / 2)),
    ])
    for (const params of [{}, { [checksum]: 1 }, { [size]: 0 }, { [checksum]: 1, [size]: 0, [level]: 19 }]) {
      const packed = new Uint8Array(zstdCompressSync(mixed, { params }))
      expect(Buffer.compare(unpack(packed, length), mixed)).toBe(0)
    }
  })

  it('makes no room for a window, however large the header says that it is', () => {
    const [oneGiB, lastBlockOfOneByte] = [20 << 3, [9, 0, 0]]
    const packed = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0, oneGiB, ...lastBlockOfOneByte, 7])
    const before = process.memoryUsage().arrayBuffers
    expect([...unpack(packed, 1)]).toEqual([7])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
  })

  it('refuses several frames in one block', () => {
    const frame = zstdCompressSync(plain.subarray(0, 100))
    expect(() => unpack(new Uint8Array(Buffer.concat([frame, frame])), 200)).toThrow(
      'not one Zstandard frame',
    )
  })
})

describe('SNAPPY', () => {
  const unpack = async (packed: number[], length: number) =>
    ((await loadCompressors())['SNAPPY'] as Unpack)(Uint8Array.from(packed), length)
  const letters = Array.from({ length: 100 }, (_, i) => i)

  it('unpacks literals and copies', async () => {
    const packed = [167, 1, 60 << 2, 99, ...letters, 2 << 2, 7, 8, 9, ((64 - 1) << 2) | 2, 100, 0]
    const both = [...letters, 7, 8, 9]
    expect([...(await unpack(packed, 167))]).toEqual([...both, ...both.slice(3, 67)])
  })

  it.each([
    ['of 2^31 bytes', [0xfc, 0, 0, 0, 0x80]],
    ['of 2^32 bytes', [0xfc, 0xff, 0xff, 0xff, 0xff]],
    ['longer than the block by one byte', [20 << 2]],
  ])('refuses at once a literal %s', async (_, tag) => {
    await expect(unpack([100, ...tag, ...letters.slice(0, 20)], 100)).rejects.toThrow(
      'a literal is longer than its block',
    )
  })
})
