import type { Batch } from './chunk.ts'
import { Courier } from './courier.ts'
import { textOf } from './error-text.ts'
import { Sender } from './sender.ts'
import type { RunNews } from './outbox-item.ts'
import { Outbox } from './outbox.ts'
import type { Spool } from './spool.ts'
import { Tally } from './tally.ts'
import { createTransport } from './transport.ts'
import type { FinishReport } from './types.ts'
import { startTimer, stopTimer } from './own-timers.ts'

/** The part of the `finish` report that the background fills in. */
export type SendReport = Omit<FinishReport, 'invalid'>

/** The background half of a run: sends batches and changes of the run to the server, in the order they were added. */
export interface Background {
  /** Takes ownership of a batch's arrays. Returns at once. */
  add(body: Batch | RunNews): void
  /** Sends what was added so far. Resolves within `timeoutMs` to whether the server has all of it. */
  flush(timeoutMs: number): Promise<boolean>
  /** The last flush. What could not be sent goes to the spool. */
  finish(timeoutMs: number): Promise<SendReport>
  /** Called when the process ends. Returns once everything is sent or in the spool, or after a short time-out. */
  leave(): void
}

/** What a background needs to know about its run. Plain data. */
export interface Job {
  readonly run: string
  readonly url: string
  readonly token: string | undefined
  /** Body of the run's PUT. */
  readonly fields: object
  readonly isOnline: boolean
  /** The caller expects a new run: warn if it exists already. */
  readonly isNew: boolean
}

/** Prints a warning, once per kind. */
export type Warn = (kind: string, sentence: string) => void

export interface LocalBackgroundOptions {
  readonly job: Job
  readonly spool: Spool | undefined
  readonly fetch: typeof fetch
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** In [0, 1). */
  readonly random: () => number
  readonly warn: Warn
  readonly tally?: Tally | undefined
}

const NONE: SendReport = { sent: 0, unsent: 0, refused: 0, lost: 0, spool: null, refusedFile: null }

/** Bytes of readings in memory above which they go to the spool. */
const MAX_OUTBOX_BYTES = 64 * 1024 * 1024

/** A background on the thread that creates it. It only makes progress while that thread yields to its event loop. */
export class LocalBackground implements Background {
  readonly #job: Job
  readonly #spool: Spool | undefined
  readonly #warn: Warn
  readonly #outbox: Outbox
  readonly #sender: Sender
  readonly #tally: Tally

  constructor({ job, spool, fetch, now, random, warn, tally = new Tally() }: LocalBackgroundOptions) {
    const { run, url, token, fields } = job
    this.#job = job
    this.#spool = spool
    this.#warn = warn
    this.#tally = tally
    this.#outbox = new Outbox({
      spool,
      tally,
      maxBytes: MAX_OUTBOX_BYTES,
      onSpoolFailure: (error) =>
        warn('spool', `run ${run}: the spool cannot be written (${textOf(error)}); readings stay in memory`),
      onLost: (points) => this.#lose(points),
    })
    const courier = new Courier({
      run,
      fields,
      isCreated: false,
      transport: createTransport({ url, token, fetch, now }),
      random,
      maxTries: Infinity,
      onExisting: () => {
        if (!job.isNew) return
        const what = 'new readings replace those of the same steps'
        warn(
          'exists',
          `run ${run} already exists: ${what}. Use resume: true to continue it, or another id for a new run`,
        )
      },
      onRetry: (words) => {
        this.#sender.noteFailure()
        const until = spool === undefined ? ' while this process runs' : ''
        warn('away', `${url} does not take readings now (${words}); they are kept and sent later${until}`)
      },
    })
    this.#sender = new Sender({
      outbox: this.#outbox,
      courier: job.isOnline ? courier : undefined,
      spool,
      tally,
      onRefused: ({ status, message }) =>
        warn('refused', `the server refused readings of run ${run}: ${status} ${message}${hint(status)}`),
    })
  }

  add(body: Batch | RunNews): void {
    this.#outbox.add(body)
    this.#sender.wake()
  }

  async flush(timeoutMs: number): Promise<boolean> {
    await within(timeoutMs, this.#sender.drain())
    return this.#outbox.points === 0
  }

  async finish(timeoutMs: number): Promise<SendReport> {
    await within(timeoutMs, this.#sender.drain())
    await this.#sender.stop()
    await this.#outbox.spill()
    const lost = this.#outbox.pointsInMemory
    const refused = this.#tally.of('refused')
    const report: SendReport = {
      sent: this.#tally.of('sent'),
      unsent: this.#outbox.points - lost,
      refused,
      lost: this.#tally.of('lost') + lost,
      spool: this.#outbox.isInSpool ? (this.#spool?.path ?? null) : null,
      refusedFile: refused > 0 ? (this.#spool?.refusedPath ?? null) : null,
    }
    this.#warnAbout(report)
    return report
  }

  leave(): void {
    void this.#sender.stop()
    const waiting = this.#outbox.points
    const lost = this.#outbox.spillNow()
    if (lost > 0) this.#lose(lost)
    const spool = this.#spool?.path ?? null
    if (waiting > lost) this.#warnAbout({ ...NONE, unsent: waiting - lost, spool })
  }

  #warnAbout({ unsent, refused, lost, spool, refusedFile }: SendReport): void {
    const { run, isOnline } = this.#job
    if (spool !== null && isOnline) {
      const where = `they are kept in ${spool} (send them with normwatch-sync)`
      this.#warn('unsent', `run ${run}: ${unsent} points could not be sent; ${where}`)
    }
    if (refused > 0) {
      const where = refusedFile ?? 'the spool'
      this.#warn('kept', `run ${run}: ${refused} refused points are kept in ${where}`)
    }
    if (lost > 0) this.#warn('lost', `run ${run}: ${lost} points are lost`)
  }

  #lose(points: number): void {
    this.#tally.add('lost', points)
    const sentence = 'the outbox is full and cannot be spooled; the oldest readings are lost'
    this.#warn('full', `run ${this.#job.run}: ${sentence}`)
  }
}

/** What to check when the server refuses this client. */
function hint(status: number): string {
  return status === 401 ? ' (the token comes from NORMWATCH_TOKEN or the option token)' : ''
}

/** The longest delay that setTimeout supports: it fires at once for a longer one. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = startTimer(resolve, Math.min(timeoutMs, MAX_TIMEOUT_MS))
  })
  await Promise.race([work, timeout])
  stopTimer(timer)
}
