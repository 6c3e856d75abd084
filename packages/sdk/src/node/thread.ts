import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads'
import type { Background, Job, SendReport, Warn } from '../background.ts'
import { buffersOf, type Batch } from '../chunk.ts'
import { textOf } from '../error-text.ts'
import type { RunChange, RunNews } from '../outbox-item.ts'
import type { Spool } from '../spool.ts'
import { Tally } from '../tally.ts'
import { listLeftovers } from './list-spool-files.ts'
import {
  HAS_LEFT,
  IS_UP,
  MESSAGES_VERSION,
  type FromThread,
  type ThreadData,
  type ToThread,
} from './thread-messages.ts'
import { startWorker } from './worker.ts'
import { unusedFiles } from './writers.ts'

/** Time for the thread to start, if the process exits just after `init`. */
const START_TIMEOUT_MS = 5_000
/** Time to send at process exit. */
const LEAVE_TIMEOUT_MS = 5_000
/** Time to write the spool after that. */
const SPILL_TIMEOUT_MS = 5_000

/** Starts a background on its own thread. `undefined` if that is impossible: no program, no permission or no spool. */
export function startThread(
  program: string | undefined,
  job: Job,
  spool: Spool | undefined,
  warn: Warn,
  makeOther: () => Background,
): Background | undefined {
  if (program === undefined || spool === undefined || !existsSync(program)) return undefined
  try {
    process.cwd() // throws if the folder was removed, and a thread would die of that
    return new ThreadBackground(program, job, spool, warn, makeOther)
  } catch {
    return undefined
  }
}

/**
 * A background on its own thread, so that it works while the training blocks the event loop, as synchronous TensorFlow.js loops
 * do. The thread and its port keep the process alive only while a call waits for its answer. If the thread dies, readings that
 * it had not sent or spooled are lost and counted, and another background takes over.
 */
class ThreadBackground implements Background {
  readonly #job: Job
  readonly #spool: Spool
  readonly #warn: Warn
  readonly #makeOther: () => Background
  readonly #signals = new Int32Array(new SharedArrayBuffer(8))
  /** What the thread was given before it was seen to be up: one that cannot start would lose it. */
  #unproven: (Batch | RunNews)[] | undefined = []
  readonly #tally: Tally
  readonly #port
  /** Pending calls by number: `answer` handles the answer, `giveUp` its absence. */
  readonly #calls = new Map<number, { answer: (message: FromThread) => void; giveUp: () => void }>()
  #lastCall = 0
  /** Points given to the thread. */
  #points = 0
  /** The final status, kept in case the thread dies before it has sent it. */
  #ending: RunChange | undefined
  #isDone = false
  #other: Background | undefined

  constructor(program: string, job: Job, spool: Spool, warn: Warn, makeOther: () => Background) {
    this.#job = job
    this.#spool = spool
    this.#warn = warn
    this.#makeOther = makeOther
    const { path, head } = spool
    const { port1, port2 } = new MessageChannel()
    const tally = new SharedArrayBuffer(Tally.BYTES)
    this.#tally = new Tally(tally)
    const data: ThreadData = {
      version: MESSAGES_VERSION,
      job,
      spool: { path, head },
      port: port2,
      signals: this.#signals,
      unused: unusedFiles(),
      tally,
    }
    const worker = startWorker(program, { workerData: data, transferList: [port2], name: 'normwatch' })
    worker.unref()
    worker.on('error', (error) =>
      warn('thread', `run ${job.run}: its thread failed (${textOf(error)}); it continues without one`),
    )
    worker.on('exit', () => this.#end())
    this.#port = port1
    this.#port.on('message', (message: FromThread) => this.#receive(message))
    this.#port.unref()
  }

  add(body: Batch | RunNews): void {
    if (this.#other !== undefined) return this.#other.add(body)
    if ('rows' in body) this.#points += body.rows
    else if ('status' in body && body.status !== 'running') this.#ending = body
    if (this.#isUp()) this.#unproven = undefined
    this.#unproven?.push(body)
    this.#post({ kind: 'add', body }, 'rows' in body && this.#unproven === undefined ? buffersOf(body) : [])
  }

  flush(timeoutMs: number): Promise<boolean> {
    const without = async () => (await this.#other?.flush(timeoutMs)) === true && this.#count().lost === 0
    return this.#call('flush', timeoutMs, without, (message) => message.kind === 'flushed' && message.isAll)
  }

  finish(timeoutMs: number): Promise<SendReport> {
    const without = () => this.#finishWithout(timeoutMs)
    return this.#call('finish', timeoutMs, without, (message) =>
      message.kind === 'finished' ? message.report : this.#count(),
    )
  }

  leave(): void {
    if (this.#other !== undefined) return this.#other.leave()
    if (this.#isDone) return
    this.#post({ kind: 'leave', timeoutMs: LEAVE_TIMEOUT_MS })
    Atomics.wait(this.#signals, IS_UP, 0, START_TIMEOUT_MS)
    if (!this.#isUp()) return this.#replace().leave()
    Atomics.wait(this.#signals, HAS_LEFT, 0, LEAVE_TIMEOUT_MS + SPILL_TIMEOUT_MS)
    this.#receiveAll()
    this.#warnLost()
  }

  #isUp(): boolean {
    return Atomics.load(this.#signals, IS_UP) === 1
  }

  #call<T>(
    kind: 'flush' | 'finish',
    timeoutMs: number,
    without: () => Promise<T>,
    read: (message: FromThread) => T,
  ): Promise<T> {
    if (this.#other !== undefined) return without()
    const call = ++this.#lastCall
    return new Promise((resolve) => {
      this.#calls.set(call, {
        answer: (message) => resolve(read(message)),
        giveUp: () => resolve(without()),
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
    if (message.kind === 'finished') this.#isDone = true
    this.#calls.get(message.call)?.answer(message)
    this.#calls.delete(message.call)
    if (this.#calls.size === 0) this.#port.unref()
  }

  /** Handles messages that have arrived but were not delivered yet. */
  #receiveAll(): void {
    const next = () => receiveMessageOnPort(this.#port)
    for (let got = next(); got !== undefined; got = next()) this.#receive(got.message as FromThread)
  }

  #end(): void {
    // the exit event may arrive before the last messages
    this.#receiveAll()
    this.#port.unref()
    if (this.#isDone) return
    this.#replace()
    for (const { giveUp } of this.#calls.values()) giveUp()
    this.#calls.clear()
  }

  /** Goes on without the thread. What one that never started was given is not lost. */
  #replace(): Background {
    // the dead thread no longer writes the file: release it, so that the other background sends it first
    this.#spool.release()
    const other = this.#makeOther()
    this.#other = other
    if (this.#isUp() || this.#unproven === undefined) {
      this.#warnLost()
      if (this.#ending !== undefined) other.add(this.#ending)
    } else {
      this.#points = 0
      for (const body of this.#unproven) other.add(body)
    }
    this.#unproven = undefined
    return other
  }

  /** Counts of the points given to the thread, from the shared tally. */
  #count(): SendReport {
    const [sent, unsent, refused] = [
      this.#tally.of('sent'),
      this.#tally.of('spooled'),
      this.#tally.of('refused'),
    ]
    const lost = this.#points - sent - unsent - refused
    return {
      sent,
      unsent,
      refused,
      lost,
      spool: unsent > 0 ? this.#spool.path : null,
      refusedFile: refused > 0 ? this.#spool.refusedPath : null,
    }
  }

  async #finishWithout(timeoutMs: number): Promise<SendReport> {
    const own = this.#count()
    const others = await (this.#other as Background).finish(timeoutMs)
    // the other background claims (renames) the dead thread's spool file and sends it before its own readings
    const left = (await listLeftovers(dirname(this.#spool.path), this.#spool.head)).at(-1)
    const isSent = own.unsent === 0 || left === undefined
    return {
      sent: own.sent + others.sent + (isSent ? own.unsent : 0),
      unsent: others.unsent + (isSent ? 0 : own.unsent),
      refused: own.refused + others.refused,
      lost: own.lost + others.lost,
      spool: others.spool ?? (isSent ? null : left),
      refusedFile: others.refusedFile ?? own.refusedFile,
    }
  }

  #warnLost(): void {
    const { lost } = this.#count()
    if (lost > 0) this.#warn('lost', `run ${this.#job.run}: ${lost} points are lost`)
  }
}
