import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { SpoolHead } from '../spool.ts'
import { sharedByCopies } from './shared.ts'

/** A process on another machine cannot be checked. It counts as ended after this long without writing. */
const SILENT_MS = 600_000

/** Spool files of this thread's runs, and whether each run is still open. */
const ownFiles = sharedByCopies('spool files 1', () => new Map<string, boolean>())

export function markInUse(path: string): void {
  ownFiles.set(path, true)
}

export function markUnused(path: string): void {
  ownFiles.set(path, false)
}

/** Files of this thread's runs that have ended. */
export function unusedFiles(): string[] {
  return [...ownFiles].filter(([, isInUse]) => !isInUse).map(([path]) => path)
}

/** Whether the process that writes the file may still append to it. */
export async function isWritten(path: string, { pid, host }: SpoolHead): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < SILENT_MS
  if (pid === process.pid) return ownFiles.get(ofRefused(path)) ?? (await isOfThisProcess(path))
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The spool file whose refused readings a file holds, or the file itself. */
function ofRefused(path: string): string {
  return path.replace(/\.refused(?=\.ndjson$)/, '')
}

/** Whether another thread of this process writes the file, rather than an earlier process that had the same id. */
async function isOfThisProcess(path: string): Promise<boolean> {
  return (await stat(path)).mtimeMs >= Date.now() - process.uptime() * 1000
}
