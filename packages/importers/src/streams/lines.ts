/** Characters of a line that are kept at the most. */
export const MAX_LINE = 4 * 1024 * 1024
const LINE_END = /\r\n|\n|\r/g

/** The lines of a text that comes in chunks. A line over `MAX_LINE` is left out: its text is let go as it comes. */
export async function* splitLines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let open: string[] = []
  let length = 0
  let endedWithReturn = false
  for await (const text of chunks) {
    let from = endedWithReturn && text.startsWith('\n') ? 1 : 0
    endedWithReturn = text.endsWith('\r')
    LINE_END.lastIndex = from
    for (let end = LINE_END.exec(text); end !== null; end = LINE_END.exec(text)) {
      const last = text.slice(from, end.index)
      if (length + last.length <= MAX_LINE) yield length === 0 ? last : open.join('') + last
      open = []
      length = 0
      from = LINE_END.lastIndex
    }
    length += text.length - from
    if (length > MAX_LINE) open = []
    else if (from < text.length) open.push(text.slice(from))
  }
  if (length > 0 && length <= MAX_LINE) yield open.join('')
}
