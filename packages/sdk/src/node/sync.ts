import { rm } from 'node:fs/promises'
import { Courier, type CourierOptions, type Refused } from '../courier.ts'
import { pointsOf } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'
import { createTransport } from '../transport.ts'
import type { SyncReport } from '../types.ts'
import { DEFAULT_URL } from '../server-address.ts'
import { fetchServer } from './fetch-server.ts'
import { findOwnServer } from './own-server.ts'
import { otherUserOn } from './other-user.ts'
import { REFUSED_ENDING, takeOver } from './list-spool-files.ts'
import { readHead, readItems } from './read-spool-file.ts'
import { appendRefused } from './spool-file.ts'
import { isWritten } from './writers.ts'

/** How often a sync tries one request before it leaves the rest for a later sync. */
const MAX_TRIES = 3

export interface SendFilesOptions {
  /** Replaces the address that a file names. */
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** Skip files for any other server. */
  readonly onlyUrl?: string | undefined
  /** Skip files of this run: it sends them itself. */
  readonly exceptRun?: string | undefined
  /** Also send files whose writers still run. These files are not removed. */
  readonly all?: boolean | undefined
  /** Called for each file that was not sent and removed, with the reason. */
  readonly onLeft?: ((path: string, reason: string) => void) | undefined
  /** Whether waiting for an unreachable server keeps the process alive. */
  readonly holdsProcess?: boolean | undefined
}

/** The result for one file, in points. If the file stays, `left` holds its path and the reason. */
interface Sent {
  readonly sent: number
  readonly refused: number
  readonly left?: { readonly path: string; readonly reason: string }
}

/**
 * Sends spool files. A file that was sent to its end is removed; any other stays unchanged. With `all`, the file of a running
 * writer is sent too, but stays.
 */
export async function sendSpoolFiles(
  paths: readonly string[],
  options: SendFilesOptions,
): Promise<SyncReport> {
  let sent = 0
  let refused = 0
  const filesLeft: string[] = []
  for (const path of paths) {
    const result = await sendOnce(path, options)
    sent += result.sent
    refused += result.refused
    if (result.left === undefined) continue
    filesLeft.push(result.left.path)
    options.onLeft?.(result.left.path, result.left.reason)
  }
  return { sent, refused, filesLeft }
}

/** Files that this process is sending now: runs that start together find the same files. */
const underWay = new Set<string>()

const leave = (path: string, reason: string): Sent => ({ sent: 0, refused: 0, left: { path, reason } })

async function sendOnce(given: string, options: SendFilesOptions): Promise<Sent> {
  let path = given
  if (underWay.has(path)) return leave(path, 'this process is already sending it')
  try {
    const head = await readHead(path)
    if (head === undefined) return leave(path, 'it is not a spool file')
    const isForeign = options.onlyUrl !== undefined && head.url !== options.onlyUrl
    if (isForeign || head.run === options.exceptRun) return leave(path, 'it was not selected')
    const isLive = await isWritten(path, head)
    if (isLive && options.all !== true) return leave(path, 'its training may still run')
    if (!isLive && !path.endsWith(REFUSED_ENDING)) path = await takeOver(path, head.run)
    underWay.add(path)
    return await sendSpoolFile(path, head, options, isLive)
  } catch (error) {
    // ENOENT: another process has claimed it. Otherwise it cannot be read, or its refused readings cannot be kept.
    const isTaken = (error as NodeJS.ErrnoException).code === 'ENOENT' && options.all !== true
    return isTaken ? { sent: 0, refused: 0 } : leave(path, String(error))
  } finally {
    underWay.delete(path)
  }
}

async function sendSpoolFile(
  path: string,
  head: SpoolHead,
  options: SendFilesOptions,
  isLive: boolean,
): Promise<Sent> {
  const target = targetOf(head, options)
  if (target === undefined) return leave(path, NO_TARGET)
  let reason = 'the server does not take it'
  const onRetry = (words: string) => (reason = `${target.url} does not take readings now (${words})`)
  const courier = makeCourier(head, target, { onRetry, holdsProcess: options.holdsProcess === true })
  let sent = 0
  const refused: Refused[] = []
  for await (const item of readItems(path)) {
    const delivered = await courier.send(item)
    if (delivered.kind === 'stopped') return leave(path, reason)
    refused.push(...delivered.refused)
    sent += pointsOf(item) - delivered.notStored
  }
  // items of a refused file that are refused again stay in that file
  if (refused.length > 0 && path.endsWith(REFUSED_ENDING)) {
    return leave(path, `the server refuses it again: ${refused[0]?.refusal.message}`)
  }
  for (const { item, refusal } of refused) await appendRefused(path, head, item, refusal)
  if (!isLive) await rm(path, { force: true })
  const refusedPoints = refused.reduce((sum, { item }) => sum + pointsOf(item), 0)
  const left = isLive ? { left: { path, reason: 'its training may still run; what it holds is sent' } } : {}
  return { sent, refused: refusedPoints, ...left }
}

/** Reason for a file whose server is not known. */
export const NO_TARGET = 'no server is known for it: name one in NORMWATCH_URL'

export interface Target {
  readonly url: string
  readonly token: string | undefined
}

/**
 * The server to send a file to: the `url` given now, else the one in the file. If the file names only the default address,
 * this user's own running server is used instead. `undefined` if no server is known, or if another user listens on the default
 * address. The token in `server.json` is only sent to this user's own server.
 */
export function targetOf(
  head: SpoolHead,
  { url: said, token }: Pick<SendFilesOptions, 'url' | 'token'>,
): Target | undefined {
  const own = findOwnServer(process.env)
  const named = said === undefined || said === '' ? undefined : said.replace(/\/+$/, '')
  const url = named ?? (head.url === DEFAULT_URL ? (own?.url ?? head.url) : head.url)
  if (url === '') return undefined // the training was given an invalid url
  if (named === undefined && url === DEFAULT_URL && url !== own?.url && otherUserOn(url) !== undefined)
    return undefined
  return { url, token: token ?? (url === own?.url ? own.token : undefined) }
}

/** A courier for the items of a spool file. It assumes that the server knows the run. */
export function makeCourier(
  head: SpoolHead,
  { url, token }: Target,
  options: Pick<CourierOptions, 'onRetry' | 'holdsProcess'> & { readonly maxTries?: number },
): Courier {
  return new Courier({
    run: head.run,
    fields: head.fields,
    isCreated: true,
    transport: createTransport({ url, token, fetch: fetchServer, now: Date.now }),
    random: Math.random,
    maxTries: MAX_TRIES,
    ...options,
  })
}
