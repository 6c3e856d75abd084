import { appendFileSync, constants, mkdirSync } from 'node:fs'
import { appendFile, mkdir, open, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { OutboxItem } from '../outbox-item.ts'
import type { Leftover, Place, Refusal, Spool, SpoolHead } from '../spool.ts'
import { listLeftovers, REFUSED_ENDING, takeOver } from './list-spool-files.ts'
import { readItems } from './read-spool-file.ts'
import { markInUse, markUnused } from './writers.ts'

const PRIVATE_FOLDER = { recursive: true, mode: 0o700 } as const
const PRIVATE_FILE = { mode: 0o600 } as const
/** Append, but do not create the file: a file without a head line would never be sent. */
const TO_WHAT_IS_THERE = { flag: constants.O_WRONLY | constants.O_APPEND } as const

/** A spool on disk, one JSON object per line. Operations run one at a time, in the order in which they are called. */
export class SpoolFile implements Spool {
  readonly path: string
  readonly refusedPath: string
  readonly head: SpoolHead
  #last: Promise<unknown> = Promise.resolve()
  #exists = false
  /** How many files have been started at this path. */
  #file = 0
  /** Bytes in the file. `undefined` (must be looked up) before the first line and after a failed write. */
  #size: number | undefined

  constructor(path: string, head: SpoolHead) {
    this.path = path
    this.refusedPath = refusedPathOf(path)
    this.head = head
    markInUse(path)
  }

  append(item: OutboxItem): Promise<Place> {
    return this.#inTurn(async () => {
      const offset = await this.#end()
      const line = Buffer.from(toLine(item))
      this.#size = undefined
      await appendFile(this.path, line, TO_WHAT_IS_THERE)
      this.#size = offset + line.length
      return { file: this.#file, offset, length: line.length }
    })
  }

  appendNow(item: OutboxItem): void {
    mkdirSync(dirname(this.path), PRIVATE_FOLDER)
    // a background write that is still running may have left half a line: a line break ends it
    const start = this.#exists ? '\n' : toLine(this.head)
    appendFileSync(this.path, start + toLine(item), PRIVATE_FILE)
    this.#exists = true
  }

  read({ file: number, offset, length }: Place): Promise<OutboxItem> {
    return this.#inTurn(async () => {
      if (number !== this.#file) throw Object.assign(new Error('that file is gone'), { code: 'ENOENT' })
      const file = await open(this.path, 'r')
      try {
        const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: offset })
        return JSON.parse(buffer.toString()) as OutboxItem
      } finally {
        await file.close()
      }
    })
  }

  clear(): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#exists) return
      await rm(this.path, { force: true })
      this.#exists = false
      this.#size = undefined
    })
  }

  refuse(item: OutboxItem, refusal: Refusal): Promise<void> {
    return this.#inTurn(() => appendRefused(this.path, this.head, item, refusal))
  }

  async leftovers(): Promise<Leftover[]> {
    const paths = await listLeftovers(dirname(this.path), this.head).catch(() => [])
    return paths.map((path) => leftover(path, this.head.run))
  }

  release(): void {
    markUnused(this.path)
  }

  /** The byte offset of the next line. If a sync has sent and removed the file, this starts a new one. */
  async #end(): Promise<number> {
    const size = await stat(this.path).then(
      (file) => file.size,
      () => undefined,
    )
    this.#exists = size !== undefined
    if (size !== undefined && size === this.#size) return size
    return this.#begin()
  }

  /** Creates the file with its head, or ends a half line left by a failed write. Returns the size of the file. */
  async #begin(): Promise<number> {
    await mkdir(dirname(this.path), PRIVATE_FOLDER)
    if (!this.#exists) this.#file++
    await appendFile(this.path, this.#exists ? '\n' : toLine(this.head), PRIVATE_FILE)
    this.#exists = true
    return (await stat(this.path)).size
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}

function leftover(path: string, run: string): Leftover {
  let at = path
  return {
    async *read() {
      at = await takeOver(at, run)
      yield* readItems(at)
    },
    remove: () => rm(at, { force: true }),
  }
}

/** Appends an item that the server refused, with the reason, to the refused file of the spool file at `path`. */
export async function appendRefused(
  path: string,
  head: SpoolHead,
  item: OutboxItem,
  refused: Refusal,
): Promise<void> {
  const refusedPath = refusedPathOf(path)
  await mkdir(dirname(refusedPath), PRIVATE_FOLDER)
  const isNew = await stat(refusedPath).then(
    () => false,
    () => true,
  )
  await appendFile(refusedPath, (isNew ? toLine(head) : '') + toLine({ ...item, refused }), PRIVATE_FILE)
}

function refusedPathOf(path: string): string {
  return path.replace(/\.ndjson$/, REFUSED_ENDING)
}

function toLine(value: object): string {
  return `${JSON.stringify(value)}\n`
}
