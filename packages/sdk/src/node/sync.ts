import { readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { Courier, type Refused } from '../courier.ts'
import { pointsOf } from '../parcel.ts'
import type { SpoolHead } from '../spool.ts'
import { createTransport } from '../transport.ts'
import type { SyncReport } from '../types.ts'
import { isHead, readSpoolFile } from './read-spool-file.ts'
import { appendRefused, isInUseHere, REFUSED_ENDING } from './spool-file.ts'

/** Tries of one request before a sync leaves the rest for another day. */
const MAX_TRIES = 3
/** A process of another machine cannot be asked: it counts as ended when it has not written for so long. */
const SILENT_MS = 600_000

export interface SendFilesOptions {
  /** Stands in for the address that a file names. */
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** Files of other servers than this one are left alone. */
  readonly onlyUrl?: string | undefined
  /** Sends files even while their writers live. */
  readonly all?: boolean | undefined
}

/** Points of a file, or that it is left as it was. */
type Sent = { readonly sent: number; readonly refused: number } | 'left'

/** Spool files in a folder, refused ones not counted. None where there is no such folder. */
export async function listSpoolFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names
    .filter((name) => name.endsWith('.ndjson') && !name.endsWith(REFUSED_ENDING))
    .sort()
    .map((name) => join(folder, name))
}

/** Sends spool files, each to its end or not at all: a file that was sent is removed, another stays as it is. */
export async function sendSpoolFiles(
  paths: readonly string[],
  options: SendFilesOptions,
): Promise<SyncReport> {
  let sent = 0
  let refused = 0
  const filesLeft: string[] = []
  for (const path of paths) {
    const result = await sendOnce(path, options)
    if (result === 'left') filesLeft.push(path)
    else {
      sent += result.sent
      refused += result.refused
    }
  }
  return { sent, refused, filesLeft }
}

/** Files that this process sends now: runs that start together find the same ones. */
const underWay = new Set<string>()

async function sendOnce(path: string, options: SendFilesOptions): Promise<Sent> {
  if (underWay.has(path)) return 'left'
  underWay.add(path)
  try {
    return await sendSpoolFile(path, options)
  } catch {
    return 'left' // it cannot be read, or its refused readings cannot be kept
  } finally {
    underWay.delete(path)
  }
}

async function sendSpoolFile(path: string, options: SendFilesOptions): Promise<Sent> {
  let head: SpoolHead | undefined
  let courier: Courier | undefined
  let sent = 0
  const refused: Refused[] = []
  for await (const line of readSpoolFile(path)) {
    if (isHead(line)) {
      if (head !== undefined) continue
      head = line
      const isForeign = options.onlyUrl !== undefined && head.url !== options.onlyUrl
      if (isForeign || (options.all !== true && (await isWritten(path, head)))) return 'left'
      courier = makeCourier(head, options)
      continue
    }
    if (courier === undefined) return 'left'
    const delivered = await courier.send(line)
    if (delivered.kind === 'stopped') return 'left'
    refused.push(...delivered.refused)
    sent += pointsOf(line)
  }
  // what is refused a second time stays in the refused file that it came from
  if (head === undefined || (refused.length > 0 && path.endsWith(REFUSED_ENDING))) return 'left'
  for (const { parcel, refusal } of refused) await appendRefused(path, head, parcel, refusal)
  await rm(path, { force: true })
  const refusedPoints = refused.reduce((sum, { parcel }) => sum + pointsOf(parcel), 0)
  return { sent: sent - refusedPoints, refused: refusedPoints }
}

function makeCourier(head: SpoolHead, { url, token }: SendFilesOptions): Courier {
  return new Courier({
    run: head.run,
    fields: head.fields,
    isCreated: true,
    transport: createTransport({ url: url ?? head.url, token, fetch, now: Date.now }),
    random: Math.random,
    maxTries: MAX_TRIES,
    onRetry: () => {},
  })
}

/** Whether the process that writes the file may still add to it. */
async function isWritten(path: string, { pid, host }: SpoolHead): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < SILENT_MS
  if (pid === process.pid) return isInUseHere(path)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
