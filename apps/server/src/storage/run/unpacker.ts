import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** Readings as they come out of blobs, in a buffer of their own. */
export type Readings = Float32Array | Float64Array

/** The readings of one metric in blobs of leaves that follow each other; an error names the step where the first one starts. */
export interface PackedReadings {
  readonly start: number
  readonly blobs: readonly Uint8Array[]
  readonly metric: number
}

/** Pages of leaves within this time that are unpacked without a thread. */
const PAGES_ALONE = 64
const MANY_IN_MS = 1_000
/** Without work for so long, the thread ends. */
const IDLE_MS = 2_000
/** Messages that wait for the thread, at the most. */
const MOST_WAITING = 3
const PROGRAM = new URL(`./unpacking-thread${extname(import.meta.filename)}`, import.meta.url)

/** Unpacks readings in a thread beside the main one, which lives only while there is much to unpack. */
export class Unpacker {
  #thread: Worker | undefined
  #isBroken = false
  /** Pages since this instant. */
  #pages = 0
  #since = -Infinity
  /** One for each message to the thread, which answers them in their order. */
  readonly #waiting: ((readings: Readings | undefined) => void)[] = []
  #ending: NodeJS.Timeout | undefined

  /** Whether the next page of leaves goes to the thread: there have been many of late, and it can take more now. */
  takesPage(): boolean {
    const now = performance.now()
    if (now - this.#since > MANY_IN_MS) {
      this.#since = now
      this.#pages = 0
    }
    const isMany = ++this.#pages > PAGES_ALONE || this.#thread !== undefined
    return isMany && !this.#isBroken && this.#waiting.length < MOST_WAITING
  }

  /** `undefined`: they cannot be unpacked, or not in a thread. */
  unpack(packed: PackedReadings): Promise<Readings | undefined> {
    const thread = (this.#thread ??= this.#start())
    // copied, which takes a fraction of what a transfer of the buffers takes
    thread.postMessage(packed)
    // the process does not end before the answer
    thread.ref()
    clearTimeout(this.#ending)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #start(): Worker {
    // without what the process itself preloads
    const thread = new Worker(PROGRAM, { env: {}, execArgv: [] })
    thread.on('message', (readings: Readings | undefined) => {
      this.#waiting.shift()?.(readings)
      if (this.#waiting.length > 0) return
      thread.unref()
      this.#ending = setTimeout(() => this.#end(), IDLE_MS).unref()
    })
    thread.on('error', () => (this.#isBroken = true))
    thread.on('exit', () => {
      if (this.#thread === thread) this.#end()
    })
    return thread
  }

  #end(): void {
    void this.#thread?.terminate()
    this.#thread = undefined
    for (const resolve of this.#waiting.splice(0)) resolve(undefined)
  }
}
