import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Measured, StretchBlobs } from './stretches.ts'

/** Readings as they come out of blobs, in a buffer of their own. */
export type Readings = Float32Array | Float64Array

/** The readings of one metric in blobs of leaves that follow each other; an error names the step where the first one starts. */
export interface PackedReadings {
  readonly start: number
  readonly blobs: readonly Uint8Array[]
  readonly metric: number
}

/** Pages of which the thread is to make what is stored of a stretch. */
export interface StretchPages {
  readonly pages: readonly PackedReadings[]
  readonly kind: Measured
}

/** Pages of leaves within this time that are unpacked without a thread. */
const PAGES_ALONE = 128
const MANY_IN_MS = 1_000
/** Without work for so long, the thread ends. */
const IDLE_MS = 2_000
/** Messages that wait for the thread, at the most. */
const MOST_WAITING = 3
const PROGRAM = new URL(`./unpacking-thread${extname(import.meta.filename)}`, import.meta.url)

/** Unpacks readings in a thread beside the main one, which lives only while there is much to unpack. */
export class Unpacker {
  #thread: Worker | undefined
  /** A thread takes a tenth of a second and more to start. */
  #isStarted = false
  #isBroken = false
  /** Pages since this instant. */
  #pages = 0
  #since = -Infinity
  /** One for each message to the thread, which answers them in their order. */
  readonly #waiting: ((answer: unknown) => void)[] = []
  #ending: NodeJS.Timeout | undefined

  /** Whether the next page of leaves goes to the thread: there have been many of late, and it has started and can take more now. */
  takesPage(): boolean {
    const now = performance.now()
    if (now - this.#since > MANY_IN_MS) {
      this.#since = now
      this.#pages = 0
    }
    if (++this.#pages > PAGES_ALONE && !this.#isBroken) this.#thread ??= this.#start()
    return this.#isStarted && !this.#isBroken && this.#waiting.length < MOST_WAITING
  }

  /** `undefined`: they cannot be unpacked, or not in a thread. */
  unpack(packed: PackedReadings): Promise<Readings | undefined> {
    return this.#ask(packed) as Promise<Readings | undefined>
  }

  /** What is stored of the stretch of these pages. `undefined`: they cannot be read, or not in a thread. */
  measure(stretch: StretchPages): Promise<StretchBlobs | undefined> {
    return this.#ask(stretch) as Promise<StretchBlobs | undefined>
  }

  #ask(question: PackedReadings | StretchPages): Promise<unknown> {
    if (this.#isBroken) return Promise.resolve(undefined)
    const thread = (this.#thread ??= this.#start())
    // copied, which takes a fraction of what a transfer of the buffers takes
    thread.postMessage(question)
    // the process does not end before the answer
    thread.ref()
    clearTimeout(this.#ending)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #start(): Worker {
    // without what the process itself preloads
    const thread = new Worker(PROGRAM, { env: {}, execArgv: [] })
    thread.once('message', () => {
      if (this.#thread === thread) this.#started(thread)
    })
    thread.on('error', () => (this.#isBroken = true))
    thread.on('exit', () => {
      if (this.#thread === thread) this.#end()
    })
    return thread
  }

  /** The first message says that the thread has started; the others are answers. */
  #started(thread: Worker): void {
    this.#isStarted = true
    const rest = () => {
      thread.unref()
      this.#ending = setTimeout(() => this.#end(), IDLE_MS).unref()
    }
    thread.on('message', (answer: unknown) => {
      this.#waiting.shift()?.(answer)
      if (this.#waiting.length === 0) rest()
    })
    if (this.#waiting.length === 0) rest()
  }

  /** Ends the thread, for good; what it was asked, or is asked later, is answered with `undefined`. */
  close(): void {
    this.#isBroken = true
    clearTimeout(this.#ending)
    this.#end()
  }

  #end(): void {
    void this.#thread?.terminate()
    this.#thread = undefined
    this.#isStarted = false
    for (const resolve of this.#waiting.splice(0)) resolve(undefined)
  }
}
