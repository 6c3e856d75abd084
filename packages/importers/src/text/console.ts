import type { LogStream, LogWriter } from '../format.ts'
import { CapReader } from '../caps/cap-reader.ts'
import { withoutColours } from '../streams/carried.ts'

/**
 * A console's lines without colours, some at a time. A cap that the configuration printed among them names is taken at its place:
 * when the lines ahead of it have been read.
 */
export async function* consoleLines(stream: LogStream, log: LogWriter): AsyncGenerator<readonly string[]> {
  const caps = new CapReader()
  for await (const lines of stream.lines()) {
    const plain = lines.map(withoutColours)
    let given = 0
    for (const [i, line] of plain.entries()) {
      const found = caps.read(line)
      if (found === undefined) continue
      if (i > given) yield plain.slice(given, i)
      given = i
      log.cap(found.clip, `${found.key} in the log`)
    }
    yield given === 0 ? plain : plain.slice(given)
  }
}

/** Whether a log prints a step's figures as a block: a heading, then rows of one figure each. */
export function hasBlock(text: string, heading: RegExp, row: RegExp): boolean {
  const lines = withoutColours(text).split(/[\r\n]+/)
  return lines.some((line, i) => heading.test(line) && row.test(lines[i + 1] ?? ''))
}

/** Unix seconds of a time printed as `2024-02-27 18:28:51`, read as UTC; NaN where the text begins with none. */
export function printedTime(text: string): number {
  const match = /(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(text.slice(0, 64))
  if (match === null) return NaN
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000
}
