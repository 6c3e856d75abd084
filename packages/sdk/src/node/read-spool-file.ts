import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { OutboxItem } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'

/** The lines of a spool file in order, its head first. Lines that were cut off, and empty ones, are left out. */
async function* readSpoolFile(path: string): AsyncGenerator<SpoolHead | OutboxItem> {
  const input = createReadStream(path)
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      const value = parseLine(line)
      if (value !== undefined) yield value
    }
  } finally {
    input.destroy() // a reader that stops early would leave the file open
  }
}

/** The head of a spool file; `undefined` when it has none. Rejects when it cannot be read. */
export async function readHead(path: string): Promise<SpoolHead | undefined> {
  for await (const line of readSpoolFile(path)) return isHead(line) ? line : undefined
  return undefined
}

/** The same without its head. */
export async function* readItems(path: string): AsyncGenerator<OutboxItem> {
  for await (const line of readSpoolFile(path)) if (!isHead(line)) yield line
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
