import { open, rm, stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { Courier } from '../courier.ts'
import { pointsOf } from '../outbox-item.ts'
import type { SpoolHead } from '../spool.ts'
import { listSpoolFiles, takeOver } from './list-spool-files.ts'
import { readHead, readItemsFrom } from './read-spool-file.ts'
import { appendRefused } from './spool-file.ts'
import { makeCourier, NO_TARGET, targetOf } from './sync.ts'
import { isWritten } from './writers.ts'

const INTERVAL_MS = 250
/** Longest pause between tries while the server is unreachable. */
const MAX_PAUSE_MS = 5_000

export interface FollowOptions {
  /** Replaces the address that a file names. */
  readonly url?: string | undefined
  readonly token?: string | undefined
  /** Called after readings were sent, with the number of points. */
  readonly onSent: (points: number, refused: number) => void
  /** Called once per unreachable server and once per file that cannot be sent. Called again only after everything was sent. */
  readonly onFault: (sentence: string) => void
}

/** How far a file has been sent. */
interface Followed {
  readonly head: SpoolHead
  /** Bytes that the server has. */
  end: number
  /** The last of these bytes. They show whether the path still holds the same file. */
  tail: Buffer
}

const TAIL_BYTES = 256

/**
 * Sends offline trainings to a server while they run, until `signal` aborts. It sends the lines of the spool files in `folder`
 * as they are written, and removes the file of a training that has ended. It only reads the file of a running training and
 * never claims it, because the training may run on another machine that shares the file system. Never rejects.
 */
export async function followSpool(
  folder: string,
  options: FollowOptions,
  signal: AbortSignal,
): Promise<void> {
  const follower = new Follower(folder, options, signal)
  let failures = 0
  while (!signal.aborted) {
    failures = (await follower.round()) ? 0 : failures + 1
    const pause = Math.min(MAX_PAUSE_MS, INTERVAL_MS * 2 ** Math.min(failures, 10))
    await wait(pause, undefined, { signal }).catch(() => {})
  }
}

class Follower {
  readonly #folder: string
  readonly #options: FollowOptions
  readonly #signal: AbortSignal
  readonly #followed = new Map<string, Followed>()
  /** Servers and files whose current fault was already reported. */
  readonly #faults = new Set<string>()

  constructor(folder: string, options: FollowOptions, signal: AbortSignal) {
    this.#folder = folder
    this.#options = options
    this.#signal = signal
  }

  /** Sends what is new in each file; returns whether all of it could be sent. */
  async round(): Promise<boolean> {
    let isAll = true
    const paths = await listSpoolFiles(this.#folder)
    for (const path of this.#followed.keys()) if (!paths.includes(path)) this.#followed.delete(path)
    for (const path of paths) {
      if (this.#signal.aborted) return isAll
      try {
        if (!(await this.#sendNew(path))) isAll = false
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENOENT') continue // its training or another process has sent and removed it
        isAll = false
        this.#tell(path, `${path} cannot be sent: ${String(error)}`)
      }
    }
    if (isAll) this.#faults.clear()
    return isAll
  }

  async #sendNew(path: string): Promise<boolean> {
    const followed = this.#followed.get(path) ?? (await this.#begin(path))
    if (followed === undefined) return true
    const { head } = followed
    const target = targetOf(head, this.#options)
    if (target === undefined) {
      this.#tell(path, `${path}: ${NO_TARGET}`)
      return false
    }
    // check this before reading, so that the last lines of a training that ends meanwhile are still read
    const isOver = !(await isWritten(path, head))
    if (!isOver && (await stat(path)).size === followed.end) return true
    if (!followed.tail.equals(await tailOf(path, followed.end))) {
      this.#followed.delete(path)
      return this.#sendNew(path)
    }
    const at = isOver ? await takeOver(path, head.run) : path
    this.#followed.delete(path)
    this.#followed.set(at, followed)
    const courier = makeCourier(head, target, {
      holdsProcess: true,
      maxTries: 2, // the first try may find that the server does not know the run yet
      onRetry: (words) => this.#tell(target.url, `${target.url} does not take readings now (${words})`),
    })
    if (!(await this.#sendFrom(at, followed, courier))) return false
    if (isOver) await rm(at, { force: true })
    return true
  }

  async #begin(path: string): Promise<Followed | undefined> {
    const head = await readHead(path)
    return head && { head, end: 0, tail: Buffer.alloc(0) }
  }

  async #sendFrom(path: string, followed: Followed, courier: Courier): Promise<boolean> {
    const stop = () => courier.stop()
    this.#signal.addEventListener('abort', stop)
    let [sent, refused] = [0, 0]
    try {
      for await (const { item, end } of readItemsFrom(path, followed.end)) {
        const delivered = await courier.send(item)
        if (delivered.kind === 'stopped') return false
        for (const { item: part, refusal } of delivered.refused) {
          refused += pointsOf(part)
          await appendRefused(path, followed.head, part, refusal)
          this.#tell(path, `the server refused readings of run ${followed.head.run}: ${refusal.message}`)
        }
        sent += pointsOf(item)
        followed.end = end
      }
      return true
    } finally {
      this.#signal.removeEventListener('abort', stop)
      followed.tail = await tailOf(path, followed.end)
      if (sent > 0) this.#options.onSent(sent - refused, refused)
    }
  }

  #tell(about: string, sentence: string): void {
    if (this.#faults.has(about)) return
    this.#faults.add(about)
    this.#options.onFault(sentence)
  }
}

/** The last bytes before `end`. */
async function tailOf(path: string, end: number): Promise<Buffer> {
  const length = Math.min(end, TAIL_BYTES)
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(length), position: end - length })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
