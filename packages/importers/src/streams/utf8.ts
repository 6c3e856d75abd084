import { LogRefused } from '../format.ts'

/** Text of UTF-8 bytes. Throws `LogRefused` naming the first byte that is not UTF-8; a character cut off at the very end is ignored. */
export async function* decodeUtf8(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let before = 0
  for await (const chunk of chunks) {
    const nul = chunk.indexOf(0)
    if (nul >= 0) throw new LogRefused(`Byte ${before + nul} is NUL: this is no text.`)
    let text: string
    try {
      text = decoder.decode(chunk, { stream: true })
    } catch (error) {
      const at = before + firstFault(chunk)
      throw new LogRefused(
        `Near byte ${at} the text is not UTF-8. Convert it first, with iconv for example.`,
        {
          cause: error,
        },
      )
    }
    before += chunk.length
    if (text !== '') yield text
  }
}

/** Where in a chunk that does not decode the fault lies, found by halving. */
function firstFault(chunk: Uint8Array): number {
  let good = 0
  let bad = chunk.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(chunk.subarray(0, middle), { stream: true })
      good = middle
    } catch {
      bad = middle
    }
  }
  return good
}
