/** Characters of a line that are kept at the most. */
export const MAX_LINE = 4 * 1024 * 1024

/**
 * The lines of a text that comes in chunks, those of a chunk at a time. A line over `MAX_LINE` is left out: its text is let
 * go as it comes.
 */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let open: string[] = []
  let length = 0
  let endedWithReturn = false
  for await (const text of chunks) {
    const lines: string[] = []
    const hasReturns = text.includes('\r')
    let from = endedWithReturn && text.startsWith('\n') ? 1 : 0
    endedWithReturn = text.endsWith('\r')
    for (let end = lineEnd(text, from, hasReturns); end >= 0; end = lineEnd(text, from, hasReturns)) {
      const last = text.slice(from, end)
      if (length + last.length <= MAX_LINE) lines.push(length === 0 ? last : open.join('') + last)
      open = []
      length = 0
      from = text.startsWith('\r\n', end) ? end + 2 : end + 1
    }
    length += text.length - from
    if (length > MAX_LINE) open = []
    else if (from < text.length) open.push(text.slice(from))
    if (lines.length > 0) yield lines
  }
  if (length > 0 && length <= MAX_LINE) yield [open.join('')]
}

/** Where the next line ends, or -1. Most logs have no `\r`, and are searched faster. */
function lineEnd(text: string, from: number, hasReturns: boolean): number {
  const end = text.indexOf('\n', from)
  if (!hasReturns) return end
  for (let at = from; at < (end < 0 ? text.length : end); at++) if (text.charCodeAt(at) === 13) return at
  return end
}
