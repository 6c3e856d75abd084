import { rm } from 'node:fs/promises'
import { Courier, type Refused } from '../courier.ts'
import { pointsOf } from '../parcel.ts'
import type { SpoolHead } from '../spool.ts'
import { createTransport } from '../transport.ts'
import type { SyncReport } from '../types.ts'
import { isHead, readSpoolFile } from './read-spool-file.ts'
import { REFUSED_ENDING } from './list-spool-files.ts'
import { appendRefused } from './spool-file.ts'
import { isWritten } from './writers.ts'

/** Tries of one request before a sync leaves the rest for another day. */
const MAX_TRIES = 3

export interface SendFilesOptions {
  /** Stands in for the address that a file names. */
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** Files of other servers than this one are left alone. */
  readonly onlyUrl?: string | undefined
  /** Files of this run are left alone: it sends them itself. */
  readonly exceptRun?: string | undefined
  /** Sends files even while their writers live. */
  readonly all?: boolean | undefined
}

/** Points of a file, or that it is left as it was. */
type Sent = { readonly sent: number; readonly refused: number } | 'left'

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
  } catch (error) {
    // another process has sent it meanwhile
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT' && options.all !== true
    return isGone ? { sent: 0, refused: 0 } : 'left' // it cannot be read, or its refused readings cannot be kept
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
      if (
        isForeign ||
        head.run === options.exceptRun ||
        (options.all !== true && (await isWritten(path, head)))
      )
        return 'left'
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
