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
  /** Sends files even while their writers live: these stay. */
  readonly all?: boolean | undefined
  /** Called for each file that stays, with the reason. */
  readonly onLeft?: ((path: string, reason: string) => void) | undefined
  /** Waiting for a server that is away keeps the process alive. */
  readonly holdsProcess?: boolean | undefined
}

/** What became of a file, in points; `left` is its path where it stays, and `reason` why. */
interface Sent {
  readonly sent: number
  readonly refused: number
  readonly left?: { readonly path: string; readonly reason: string }
}

/**
 * Sends spool files, each to its end or not at all: a file that was sent is removed, another stays as it is. That of a
 * writer that is running is copied to the server (`all`) and stays its own.
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

/** Files that this process sends now: runs that start together find the same ones. */
const underWay = new Set<string>()

const leave = (path: string, reason: string): Sent => ({ sent: 0, refused: 0, left: { path, reason } })

async function sendOnce(given: string, options: SendFilesOptions): Promise<Sent> {
  let path = given
  if (underWay.has(path)) return leave(path, 'this process sends it already')
  try {
    const head = await readHead(path)
    if (head === undefined) return leave(path, 'it is no spool file')
    const isForeign = options.onlyUrl !== undefined && head.url !== options.onlyUrl
    if (isForeign || head.run === options.exceptRun) return leave(path, 'it is not meant')
    const isLive = await isWritten(path, head)
    if (isLive && options.all !== true) return leave(path, 'its training may still run')
    if (!isLive && !path.endsWith(REFUSED_ENDING)) path = await takeOver(path, head.run)
    underWay.add(path)
    return await sendSpoolFile(path, head, options, isLive)
  } catch (error) {
    // another process has taken it; else it cannot be read, or its refused readings cannot be kept
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
    sent += pointsOf(item)
  }
  // what is refused a second time stays in the refused file that it came from
  if (refused.length > 0 && path.endsWith(REFUSED_ENDING)) {
    return leave(path, `the server refuses it again: ${refused[0]?.refusal.message}`)
  }
  for (const { item, refusal } of refused) await appendRefused(path, head, item, refusal)
  if (!isLive) await rm(path, { force: true })
  const refusedPoints = refused.reduce((sum, { item }) => sum + pointsOf(item), 0)
  const left = isLive ? { left: { path, reason: 'its training may still run; what it holds is sent' } } : {}
  return { sent: sent - refusedPoints, refused: refusedPoints, ...left }
}

/** Why a file has no server to go to. */
export const NO_TARGET = 'no server is known for it: name one in NORMWATCH_URL'

export interface Target {
  readonly url: string
  readonly token: string | undefined
}

/**
 * The server that readings go to: the one said now, else that of the file; where this is only the default one, this user's
 * own, if it runs. `undefined`: another person listens there. Only the own server is shown the own token.
 */
export function targetOf(
  head: SpoolHead,
  { url: said, token }: Pick<SendFilesOptions, 'url' | 'token'>,
): Target | undefined {
  const own = findOwnServer(process.env)
  const named = said === undefined || said === '' ? undefined : said.replace(/\/+$/, '')
  const url = named ?? (head.url === DEFAULT_URL ? (own?.url ?? head.url) : head.url)
  if (url === '') return undefined // that of the training could not be used
  if (named === undefined && url === DEFAULT_URL && url !== own?.url && otherUserOn(url) !== undefined)
    return undefined
  return { url, token: token ?? (url === own?.url ? own.token : undefined) }
}

/** A courier for what a spool file holds: it believes that the server knows the run. */
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
