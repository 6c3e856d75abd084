import { createReadStream } from 'node:fs'
import type { OutboxItem } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'

interface ReadLine {
  readonly value: SpoolHead | OutboxItem
  /** Byte offset of the next line. */
  readonly end: number
}

const LINE_BREAK = 0x0a

/**
 * The lines of a spool file in order, from byte `start` on; the first line of a file is its head. Skips empty and truncated
 * lines, and a last line without a line break, which may still be being written.
 */
async function* readSpoolFile(path: string, start = 0): AsyncGenerator<ReadLine> {
  const input = createReadStream(path, { start })
  let end = start
  let rest: Buffer[] = []
  try {
    for await (const part of input as AsyncIterable<Buffer>) {
      let from = 0
      for (let at = part.indexOf(LINE_BREAK); at >= 0; at = part.indexOf(LINE_BREAK, from)) {
        const line = Buffer.concat([...rest, part.subarray(from, at)])
        rest = []
        from = at + 1
        end += line.length + 1
        const value = parseLine(line.toString())
        if (value !== undefined) yield { value, end }
      }
      if (from < part.length) rest.push(part.subarray(from))
    }
  } finally {
    input.destroy() // else a reader that stops early would leave the file open
  }
}

/** The head of a spool file, or `undefined` if it has none. Rejects if the file cannot be read. */
export async function readHead(path: string): Promise<SpoolHead | undefined> {
  for await (const { value } of readSpoolFile(path)) return isHead(value) ? value : undefined
  return undefined
}

/** The items of a spool file from byte `start` on, each with the byte offset of the next line. */
export async function* readItemsFrom(
  path: string,
  start: number,
): AsyncGenerator<{ item: OutboxItem; end: number }> {
  for await (const { value, end } of readSpoolFile(path, start)) {
    if (!isHead(value)) yield { item: value, end }
  }
}

/** All items of a spool file. */
export async function* readItems(path: string): AsyncGenerator<OutboxItem> {
  for await (const { item } of readItemsFrom(path, 0)) yield item
}

/** Parses a line of a spool file. `undefined` if that fails, as for a truncated line. */
export function parseLine(line: string): SpoolHead | OutboxItem | undefined {
  try {
    const value: unknown = JSON.parse(line)
    if (isHead(value)) return value
    if (!isItem(value)) return undefined
    if ('columns' in value) return { columns: value.columns }
    return 'events' in value ? { events: value.events } : { patch: value.patch }
  } catch {
    return undefined
  }
}

export function isHead(value: unknown): value is SpoolHead {
  const head = value as Partial<SpoolHead> | null
  return (
    typeof head === 'object' &&
    head?.normwatch === 1 &&
    typeof head.run === 'string' &&
    typeof head.url === 'string'
  )
}

function isItem(value: unknown): value is OutboxItem {
  if (typeof value !== 'object' || value === null) return false
  const { columns, patch, events } = value as {
    columns?: { step?: unknown } | null
    patch?: unknown
    events?: unknown
  }
  return (
    Array.isArray(columns?.step) || Array.isArray(events) || (typeof patch === 'object' && patch !== null)
  )
}
