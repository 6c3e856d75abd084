// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- the dashboard, which imports this file, finds the types so
/// <reference path="./hyparquet-compressors.d.ts" />
import type { Compressors } from 'hyparquet'

/**
 * What unpacks the blocks of binary logs, by codec; each throws, or gives less, where there is more than `length` bytes. It is
 * plain JavaScript, loaded when used: a page's content security policy may forbid WebAssembly, which `hyparquet-compressors`
 * as a whole needs for snappy.
 */
export async function loadCompressors(): Promise<Compressors> {
  const [{ snappyUncompress }, { gunzip }, { decompressBrotli }, lz4, { Decompress }] = await Promise.all([
    import('hyparquet'),
    import('hyparquet-compressors/src/gzip.js'),
    import('hyparquet-compressors/src/brotli.js'),
    import('hyparquet-compressors/src/lz4.js'),
    import('fzstd'),
  ])
  return {
    SNAPPY: (packed, length) => {
      const plain = new Uint8Array(length)
      snappyUncompress(packed, plain)
      return plain
    },
    GZIP: (packed, length) => gunzip(packed, new Uint8Array(length)),
    BROTLI: decompressBrotli,
    LZ4: lz4.decompressLz4,
    LZ4_RAW: lz4.decompressLz4Raw,
    ZSTD: (packed, length) => {
      const plain = new Uint8Array(length)
      let end = 0
      new Decompress((block) => {
        if (end + block.length > length) throw new Error(`a block unpacks to more than ${length} bytes`)
        plain.set(block, end)
        end += block.length
      }).push(packed, true)
      return plain.subarray(0, end)
    },
  }
}
