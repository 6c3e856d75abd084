import type { Compressors } from 'hyparquet'

/**
 * What unpacks the blocks of binary logs. A page's content security policy may forbid WebAssembly, of which one is made: then
 * there is snappy alone.
 */
export async function loadCompressors(): Promise<Compressors> {
  try {
    return (await import('hyparquet-compressors')).compressors
  } catch {
    const { snappyUncompress } = await import('hyparquet')
    return {
      SNAPPY: (packed, length) => {
        const plain = new Uint8Array(length)
        snappyUncompress(packed, plain)
        return plain
      },
    }
  }
}
