import { existsSync } from 'node:fs'
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { Background, Job, Warn } from '../background.ts'
import { buffersOf, type Batch } from '../chunk.ts'
import type { RunChange } from '../parcel.ts'
import type { Spool } from '../spool.ts'
import type { FinishReport } from '../types.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'

/** For sending at the exit of the process. */
const LEAVE_TIMEOUT_MS = 5_000
/** For writing the spool after that. */
const SPILL_TIMEOUT_MS = 5_000

/** Starts a background on its own thread; `undefined` where that cannot be: no program, no permission, no spool. */
export function startThread(
  program: string | undefined,
  job: Job,
  spool: Spool | undefined,
  warn: Warn,
): Background | undefined {
  if (program === undefined || spool === undefined || !existsSync(program)) return undefined
  try {
    return new ThreadBackground(program, job, spool, warn)
  } catch {
    return undefined
  }
}

/**
 * A background that works on while the training holds the event loop, as synchronous loops of TensorFlow.js do. Neither
 * the thread nor its port keeps the process alive, but for the answer to a call.
 */
class ThreadBackground implements Background {
  readonly #warn: Warn
  readonly #hasLeft = new Int32Array(new SharedArrayBuffer(4))
  readonly #port
  /** Calls under way, by number: what to do with the answer, and without one. */
  readonly #calls = new Map<number, { answer: (message: FromThread) => void; giveUp: () => void }>()
  #lastCall = 0
  #points = 0
  #isAlive = true

  constructor(program: string, job: Job, { path, head }: Spool, warn: Warn) {
    this.#warn = warn
    const { port1, port2 } = new MessageChannel()
    const data: ThreadData = { job, spool: { path, head }, port: port2, hasLeft: this.#hasLeft }
    const worker = new Worker(program, {
      workerData: data,
      transferList: [port2],
      execArgv: [],
      name: 'normwatch',
    })
    worker.unref()
    worker.on('error', (error) => warn('thread', `run ${job.run}: its thread failed: ${String(error)}`))
    worker.on('exit', () => this.#end())
    this.#port = port1
    this.#port.on('message', (message: FromThread) => this.#receive(message))
    this.#port.unref()
  }

  add(body: Batch | RunChange): void {
    if ('rows' in body) this.#points += body.rows
    this.#post({ kind: 'add', body }, 'rows' in body ? buffersOf(body) : [])
  }

  flush(timeoutMs: number): Promise<boolean> {
    return this.#call('flush', timeoutMs, false, (message) => message.kind === 'flushed' && message.isAll)
  }

  finish(timeoutMs: number): Promise<FinishReport> {
    const nothing: FinishReport = { sent: 0, unsent: 0, refused: 0, lost: this.#points, spool: null }
    return this.#call('finish', timeoutMs, nothing, (message) =>
      message.kind === 'finished' ? message.report : nothing,
    )
  }

  leave(): void {
    if (!this.#isAlive) return
    this.#post({ kind: 'leave', timeoutMs: LEAVE_TIMEOUT_MS })
    Atomics.wait(this.#hasLeft, 0, 0, LEAVE_TIMEOUT_MS + SPILL_TIMEOUT_MS)
    this.#receiveAll()
  }

  #call<T>(
    kind: 'flush' | 'finish',
    timeoutMs: number,
    otherwise: T,
    read: (message: FromThread) => T,
  ): Promise<T> {
    if (!this.#isAlive) return Promise.resolve(otherwise)
    const call = ++this.#lastCall
    return new Promise((resolve) => {
      this.#calls.set(call, {
        answer: (message) => resolve(read(message)),
        giveUp: () => resolve(otherwise),
      })
      this.#port.ref()
      this.#post({ kind, call, timeoutMs })
    })
  }

  #post(message: ToThread, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer)
  }

  #receive(message: FromThread): void {
    if (message.kind === 'warn') return this.#warn(message.about, message.sentence)
    this.#calls.get(message.call)?.answer(message)
    this.#calls.delete(message.call)
    if (this.#calls.size === 0) this.#port.unref()
  }

  /** What has arrived and was not handed over yet. */
  #receiveAll(): void {
    const next = () => receiveMessageOnPort(this.#port)
    for (let got = next(); got !== undefined; got = next()) this.#receive(got.message as FromThread)
  }

  #end(): void {
    this.#isAlive = false
    // its end may be told before its last answer is
    this.#receiveAll()
    for (const { giveUp } of this.#calls.values()) giveUp()
    this.#calls.clear()
    this.#port.unref()
  }
}
