import { createReadStream } from 'node:fs'
import type { OutboxItem } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'

interface ReadLine {
  readonly value: SpoolHead | OutboxItem
  /** Where the next line begins, in bytes. */
  readonly end: number
}

const LINE_BREAK = 0x0a

/**
 * The lines of a spool file in order from byte `start` on, its head first. Those that were cut off, and empty ones, are left
 * out; so is a last one without its line break, which may still be written.
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
    input.destroy() // a reader that stops early would leave the file open
  }
}

/** The head of a spool file; `undefined` when it has none. Rejects when it cannot be read. */
export async function readHead(path: string): Promise<SpoolHead | undefined> {
  for await (const { value } of readSpoolFile(path)) return isHead(value) ? value : undefined
  return undefined
}

/** The items of a spool file from byte `start` on, each with the place where the next line begins. */
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

/** A line of a spool file; `undefined` when it cannot be read, such as a line that was cut off. */
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
