import { rm } from 'node:fs/promises'
import { Courier, type Refused } from '../courier.ts'
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
  /** Sends files even while their writers live. */
  readonly all?: boolean | undefined
  /** Waiting for a server that is away keeps the process alive. */
  readonly holdsProcess?: boolean | undefined
}

/** Points of a file; or its path, when it stays unsent. */
type Sent = { readonly sent: number; readonly refused: number } | { readonly left: string }

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
    if ('left' in result) filesLeft.push(result.left)
    else {
      sent += result.sent
      refused += result.refused
    }
  }
  return { sent, refused, filesLeft }
}

/** Files that this process sends now: runs that start together find the same ones. */
const underWay = new Set<string>()

async function sendOnce(given: string, options: SendFilesOptions): Promise<Sent> {
  let path = given
  if (underWay.has(path)) return { left: path }
  try {
    const head = await readHead(path)
    if (head === undefined || !(await isMeant(path, head, options))) return { left: path }
    // the file of a writer that lives keeps its name
    if (options.all !== true) path = await takeOver(path, head.run)
    underWay.add(path)
    return (await sendSpoolFile(path, head, options)) ?? { left: path }
  } catch (error) {
    // another process has taken it; else it cannot be read, or its refused readings cannot be kept
    const isTaken = (error as NodeJS.ErrnoException).code === 'ENOENT' && options.all !== true
    return isTaken ? { sent: 0, refused: 0 } : { left: path }
  } finally {
    underWay.delete(path)
  }
}

async function isMeant(path: string, head: SpoolHead, options: SendFilesOptions): Promise<boolean> {
  const isForeign = options.onlyUrl !== undefined && head.url !== options.onlyUrl
  if (isForeign || head.run === options.exceptRun) return false
  return options.all === true || !(await isWritten(path, head))
}

/** `undefined`: the server does not take all of it. */
async function sendSpoolFile(
  path: string,
  head: SpoolHead,
  options: SendFilesOptions,
): Promise<Exclude<Sent, { left: string }> | undefined> {
  const target = targetOf(head, options)
  if (target === undefined) return undefined
  const courier = makeCourier(head, target, options.holdsProcess)
  let sent = 0
  const refused: Refused[] = []
  for await (const item of readItems(path)) {
    const delivered = await courier.send(item)
    if (delivered.kind === 'stopped') return undefined
    refused.push(...delivered.refused)
    sent += pointsOf(item)
  }
  // what is refused a second time stays in the refused file that it came from
  if (refused.length > 0 && path.endsWith(REFUSED_ENDING)) return undefined
  for (const { item, refusal } of refused) await appendRefused(path, head, item, refusal)
  await rm(path, { force: true })
  const refusedPoints = refused.reduce((sum, { item }) => sum + pointsOf(item), 0)
  return { sent: sent - refusedPoints, refused: refusedPoints }
}

interface Target {
  readonly url: string
  readonly token: string | undefined
}

/**
 * The server that readings go to: the one said now, else that of the file; where this is only the default one, this user's
 * own, if it runs. `undefined`: another person listens there. Only the own server is shown the own token.
 */
function targetOf(head: SpoolHead, { url: said, token }: SendFilesOptions): Target | undefined {
  const own = findOwnServer(process.env)
  const url = said ?? (head.url === DEFAULT_URL ? (own?.url ?? head.url) : head.url)
  if (url === '') return undefined // that of the training could not be used
  if (said === undefined && url === DEFAULT_URL && url !== own?.url && otherUserOn(url) !== undefined)
    return undefined
  return { url, token: token ?? (url === own?.url ? own.token : undefined) }
}

function makeCourier(head: SpoolHead, { url, token }: Target, holdsProcess = false): Courier {
  return new Courier({
    run: head.run,
    fields: head.fields,
    isCreated: true,
    transport: createTransport({ url, token, fetch: fetchServer, now: Date.now }),
    random: Math.random,
    maxTries: MAX_TRIES,
    onRetry: () => {},
    holdsProcess,
  })
}
