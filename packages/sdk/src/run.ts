import { Batcher } from './batcher.ts'
import type { Complaints } from './complaints.ts'
import { Courier } from './courier.ts'
import { Delivery } from './delivery.ts'
import type { Platform } from './platform.ts'
import { Recorder } from './recorder.ts'
import type { Settings } from './settings.ts'
import type { Spool } from './spool.ts'
import { createTransport } from './transport.ts'
import type { FinishOptions, FinishReport, Readings, Run } from './types.ts'

/** Bytes of readings in memory above which they go to the spool. */
const MAX_QUEUE_BYTES = 64 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 10_000
/** After a signal somebody waits for the process to end. */
const SIGNAL_TIMEOUT_MS = 5_000

/** A run that is recorded, online or into the spool. */
export class RecordedRun implements Run {
  readonly id: string
  readonly url: string
  readonly #settings: Settings
  readonly #platform: Platform
  readonly #complaints: Complaints
  readonly #spool: Spool | undefined
  readonly #batcher: Batcher
  readonly #delivery: Delivery
  readonly #recorder: Recorder
  readonly #unwatch: () => void
  #lost = 0
  #finishing: Promise<FinishReport> | undefined

  constructor(settings: Settings, platform: Platform, complaints: Complaints) {
    const { id, url, body, mode, resume, fromStep } = settings
    this.id = id
    this.url = `${url}/runs/${id}`
    this.#settings = settings
    this.#platform = platform
    this.#complaints = complaints
    this.#spool = platform.openSpool?.(settings.spoolDir, { normwatch: 1, url, run: id, fields: { ...body } })
    this.#batcher = new Batcher({
      spool: this.#spool,
      maxBytes: MAX_QUEUE_BYTES,
      onDue: (isFull) => this.#delivery.wake(isFull),
      onSpoolFailure: (error) =>
        complaints.warn(
          'spool',
          `run ${id}: the spool cannot be written (${String(error)}); readings stay in memory`,
        ),
      onLost: (points) => this.#lose(points),
    })
    this.#delivery = new Delivery({
      batcher: this.#batcher,
      courier: mode === 'offline' ? undefined : this.#makeCourier(),
      spool: this.#spool,
      onRefused: ({ status, message }) =>
        complaints.warn('refused', `the server refused readings of run ${id}: ${status} ${message}`),
    })
    this.#recorder = new Recorder({
      batcher: this.#batcher,
      now: platform.now,
      firstStep: fromStep ?? (resume ? undefined : 0),
      refuse: (argument, reason) => complaints.wrongUse('log', argument, reason),
    })
    this.#unwatch = platform.watchExit({
      onIdle: (hasFailed) => void this.finish({ status: hasFailed ? 'failed' : 'finished' }),
      onSignal: () => this.finish({ status: 'failed', timeoutMs: SIGNAL_TIMEOUT_MS }),
      onForeignSignal: () => void this.flush(),
      onExit: (hasFailed) => this.#leave(hasFailed),
    })
    this.#batcher.addChange(
      resume ? { status: 'running', ...(fromStep !== undefined && { truncate_after: fromStep - 1 }) } : {},
    )
    void this.#delivery.drain()
  }

  log(readings: Readings): void {
    if (this.#finishing !== undefined) {
      return this.#complaints.warn('finished', `log: run ${this.id} is finished; its readings are not kept`)
    }
    if (typeof readings !== 'object' || readings === null) {
      return this.#complaints.wrongUse('log', 'readings', 'must be an object such as { gradNorm, loss }')
    }
    try {
      this.#recorder.record(readings)
    } catch (error) {
      if (this.#complaints.isStrict) throw error
      this.#complaints.warn('log', `log: readings could not be taken: ${String(error)}`)
    }
  }

  async flush({
    timeoutMs = DEFAULT_TIMEOUT_MS,
  }: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
    await this.#within(timeoutMs, this.#delivery.drain())
    return this.#batcher.points === 0
  }

  finish(options: FinishOptions = {}): Promise<FinishReport> {
    this.#finishing ??= this.#finish(options)
    return this.#finishing
  }

  async #finish({
    timeoutMs = DEFAULT_TIMEOUT_MS,
    status = 'finished',
  }: FinishOptions): Promise<FinishReport> {
    this.#batcher.addChange({ status })
    await this.#within(timeoutMs, this.#delivery.drain())
    this.#delivery.stop()
    await this.#batcher.spill()
    const lost = this.#batcher.pointsInMemory
    const unsent = this.#batcher.points - lost
    this.#unwatch()
    this.#spool?.release()
    const report: FinishReport = {
      sent: this.#delivery.sent,
      unsent,
      refused: this.#delivery.refused,
      lost: this.#lost + this.#delivery.lost + lost,
      spool: this.#batcher.isInSpool ? (this.#spool?.path ?? null) : null,
    }
    this.#tell(report)
    return report
  }

  #tell({ unsent, refused, lost, spool }: FinishReport): void {
    if (spool !== null && this.#settings.mode === 'online') {
      this.#complaints.warn(
        'unsent',
        `run ${this.id}: ${unsent} points could not be sent; they are kept in ${spool} (send them with normwatch-sync)`,
      )
    }
    if (refused > 0)
      this.#complaints.warn('kept', `run ${this.id}: ${refused} refused points are kept in the spool`)
    if (lost > 0) this.#complaints.warn('lost', `run ${this.id}: ${lost} points are lost`)
  }

  /** The process ends without having awaited `finish`: nothing asynchronous can happen any more. */
  #leave(hasFailed: boolean): void {
    if (this.#finishing === undefined) this.#batcher.addChange({ status: hasFailed ? 'failed' : 'finished' })
    this.#delivery.stop()
    const lost = this.#batcher.spillNow()
    if (lost > 0) this.#lose(lost)
    const { mode, url, token } = this.#settings
    const isWaiting = this.#spool !== undefined && this.#batcher.waiting > 0
    if (mode === 'online' && isWaiting) this.#platform.sendAtExit(this.#spool.path, url, token)
  }

  #makeCourier(): Courier {
    const { url, token, id, body } = this.#settings
    const { fetch, now, random } = this.#platform
    return new Courier({
      run: id,
      fields: body,
      isCreated: false,
      transport: createTransport({ url, token, fetch, now }),
      random,
      maxTries: Infinity,
      onRetry: (words) =>
        this.#complaints.warn(
          'away',
          `${url} does not take readings now (${words}); they are kept and sent later`,
        ),
    })
  }

  #lose(points: number): void {
    this.#lost += points
    this.#complaints.warn(
      'full',
      `run ${this.id}: the queue is full and cannot be spooled; the oldest readings are lost`,
    )
  }

  async #within(timeoutMs: number, work: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)))
    await Promise.race([work, timeout])
    clearTimeout(timer)
  }
}
