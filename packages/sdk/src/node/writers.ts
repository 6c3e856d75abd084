import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { SpoolHead } from '../spool.ts'

/** A process on another machine cannot be checked. It counts as ended after this long without writing. */
const SILENT_MS = 600_000

/** Spool files of this process's open runs. */
const inUse = new Set<string>()

export function markInUse(path: string): void {
  inUse.add(path)
}

export function markUnused(path: string): void {
  inUse.delete(path)
}

/** Whether the process that writes the file may still append to it. */
export async function isWritten(path: string, { pid, host }: SpoolHead): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < SILENT_MS
  if (pid === process.pid) return inUse.has(path)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
