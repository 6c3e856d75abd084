// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- the dashboard, which imports this file, finds the types so
/// <reference path="./hyparquet-compressors.d.ts" />
import type { Compressors } from 'hyparquet'

/**
 * What unpacks the blocks of binary logs, by codec; each throws, or gives less, where there is more than `length` bytes. It is
 * plain JavaScript, loaded when used: a page's content security policy may forbid WebAssembly, which `hyparquet-compressors`
 * as a whole needs for snappy.
 */
export async function loadCompressors(): Promise<Compressors> {
  const [{ snappyUncompress }, { gunzip }, { decompressBrotli }, lz4, { decompress }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors/src/gzip.js'),
    import('hyparquet-compressors/src/brotli.js'),
    import('hyparquet-compressors/src/lz4.js'),
    import('fzstd'),
  ])
  return {
    SNAPPY: (packed, length) => {
      refuseLongLiterals(packed)
      const plain = new Uint8Array(length)
      snappyUncompress(packed, plain)
      return plain
    },
    GZIP: (packed, length) => gunzip(packed, new Uint8Array(length)),
    BROTLI: decompressBrotli,
    // an empty block, of a page without values, is a single byte, which the library takes for a match
    LZ4: (packed, length) => (length === 0 ? new Uint8Array() : lz4.decompressLz4(packed, length)),
    LZ4_RAW: (packed, length) => (length === 0 ? new Uint8Array() : lz4.decompressLz4Raw(packed, length)),
    ZSTD: (packed, length) => {
      if (zstdFrameEnd(packed) !== packed.length) throw new Error('a block is not one Zstandard frame')
      return decompress(packed, new Uint8Array(length))
    },
  }
}

/**
 * Throws where a literal of a snappy block is longer than the block. `snappyUncompress` takes a length from 2^31 on for a negative
 * one, and goes through as many bytes before the block. The format: https://github.com/google/snappy/blob/main/format_description.txt
 */
function refuseLongLiterals(packed: Uint8Array): void {
  let at = packed.findIndex((byte) => byte < 128) + 1
  while (at < packed.length) {
    const tag = packed[at++] as number
    const kind = tag & 3
    if (kind !== 0) {
      at += kind === 3 ? 4 : kind
      continue
    }
    const lengthBytes = Math.max((tag >>> 2) - 59, 0)
    let length = lengthBytes === 0 ? tag >>> 2 : 0
    for (let i = lengthBytes - 1; i >= 0; i--) length = length * 256 + (packed[at + i] ?? 0)
    at += lengthBytes + length + 1
    if (at > packed.length) throw new Error('a literal is longer than its block')
  }
}

/**
 * Where the first frame of Zstandard ends. Several frames in one block are not unpacked: `fzstd` would put each into the same
 * place, or make room for a window as large as its header says. The format: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
 */
function zstdFrameEnd(packed: Uint8Array): number {
  const descriptor = packed[4] ?? 0
  const hasWindow = (descriptor & 0x20) === 0
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number
  const sizeBytes = [hasWindow ? 0 : 1, 2, 4, 8][descriptor >>> 6] as number
  let at = 5 + Number(hasWindow) + dictionaryBytes + sizeBytes
  for (let isLast = false; !isLast && at < packed.length;) {
    const [low = 0, middle = 0, high = 0] = packed.subarray(at, at + 3)
    const isRepeated = (low & 6) === 2
    at += 3 + (isRepeated ? 1 : (low + middle * 256 + high * 65536) >>> 3)
    isLast = (low & 1) === 1
  }
  const hasChecksum = (descriptor & 4) !== 0
  return at + (hasChecksum ? 4 : 0)
}
