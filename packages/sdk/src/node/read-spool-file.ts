import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Parcel } from '../parcel.ts'
import type { SpoolHead } from '../spool.ts'

/** The lines of a spool file in order, its head first. Lines that were cut off, and empty ones, are left out. */
export async function* readSpoolFile(path: string): AsyncGenerator<SpoolHead | Parcel> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity })
  for await (const line of lines) {
    const value = parseLine(line)
    if (isHead(value)) yield value
    else if (isParcel(value)) yield 'columns' in value ? { columns: value.columns } : { patch: value.patch }
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

function isParcel(value: unknown): value is Parcel {
  if (typeof value !== 'object' || value === null) return false
  const { columns, patch } = value as { columns?: { step?: unknown } | null; patch?: unknown }
  return Array.isArray(columns?.step) || (typeof patch === 'object' && patch !== null)
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
