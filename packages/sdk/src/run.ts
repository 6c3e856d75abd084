import { LocalBackground, type Background, type Job, type SendReport } from './background.ts'
import { Batcher } from './batcher.ts'
import { Batches } from './batches.ts'
import { Caps } from './caps.ts'
import { steadyClock } from './clock.ts'
import { textOf } from './error-text.ts'
import type { Notices } from './notices.ts'
import type { Platform } from './platform.ts'
import { MAX_EVENTS_PER_RUN, readEvent, timeAt } from './events.ts'
import type { RunEvent } from './outbox-item.ts'
import { Names, TOO_MANY_PARTS } from './names.ts'
import { readOptions, TIMEOUT, type Rules } from './options.ts'
import { isPartName, readPart } from './parts.ts'
import { pageOf } from './server-address.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import type { Settings } from './settings.ts'
import type { Spool } from './spool.ts'
import type {
  EventOptions,
  FinishOptions,
  FinishReport,
  FlushOptions,
  LogOptions,
  Part,
  PartOptions,
  Readings,
  Run,
  RunStatus,
} from './types.ts'

/** How long a row waits for other rows. A killed process loses little more than this. */
const MAX_AGE_MS = 500
const DEFAULT_TIMEOUT_MS = 10_000
/** Kept short, because whoever sent the signal waits for the process to end. */
const SIGNAL_TIMEOUT_MS = 5_000

const STATUSES: readonly unknown[] = ['finished', 'failed', 'preempted'] satisfies RunStatus[]
const isBatch = (value: unknown) =>
  ['string', 'number', 'function'].includes(typeof value) ||
  (typeof value === 'object' && 'length' in (value ?? {}))
const LOG_RULES: Rules<LogOptions> = {
  batch: [isBatch, 'must be a text, ids, or a function that returns them'],
}
const FLUSH_RULES: Rules<FlushOptions> = { timeoutMs: TIMEOUT }
const FINISH_RULES: Rules<FinishOptions> = {
  status: [(value) => STATUSES.includes(value), 'must be finished, failed or preempted'],
  timeoutMs: TIMEOUT,
}

const hasAll = ({ unsent, lost }: SendReport): boolean => unsent === 0 && lost === 0

/** A run that is recorded, online or in the spool. */
export class RecordedRun implements Run {
  readonly id: string
  readonly url: string
  readonly #notices: Notices
  readonly #spools: Spool[] = []
  readonly #background: Background
  readonly #batcher: Batcher
  readonly #names = new Names()
  readonly #caps = new Caps((step, text) => this.#tell(step, 'cap changed', text))
  readonly #recording: RecorderOptions
  readonly #recorder: Recorder
  readonly #parts = new Map<string, Part>()
  #events = 0
  /** Calls and readings refused as wrong use. */
  #invalid = 0
  readonly #unwatch: () => void
  #hasLeft = false
  #finishing: Promise<FinishReport> | undefined

  constructor(settings: Settings, platform: Platform, notices: Notices) {
    const { id, url, token, body, mode, resume, fromStep, firstStep } = settings
    // bound: `const { log } = run`, `onStep(run.log)` and a proxy around the run, such as Vue's `reactive`, call it without `this`
    this.log = this.log.bind(this)
    this.part = this.part.bind(this)
    this.event = this.event.bind(this)
    this.flush = this.flush.bind(this)
    this.finish = this.finish.bind(this)
    this.id = id
    this.url = pageOf(url, id)
    this.#notices = notices
    const openSpool = () => {
      const head = { normwatch: 1, url, run: id, fields: { ...body } } as const
      const spool = platform.openSpool?.(settings.spoolDir, head)
      if (spool !== undefined) this.#spools.push(spool)
      return spool
    }
    const isNew = !resume
    const job = { run: id, url, token, fields: { ...body }, isOnline: mode === 'online', isNew }
    const warn = notices.warn.bind(notices)
    const spool = openSpool()
    const here = (spool: Spool | undefined, job: Job) =>
      new LocalBackground({ ...platform, job, spool, warn })
    const goOn = () => here(openSpool(), { ...job, isNew: false })
    this.#background = platform.startThread?.(job, spool, warn, goOn) ?? here(spool, job)
    this.#batcher = new Batcher({
      maxAgeMs: MAX_AGE_MS,
      onBatch: (batch) => this.#background.add(batch),
      onEvents: (events) => this.#background.add({ events }),
    })
    this.#recording = {
      batcher: this.#batcher,
      now: steadyClock(platform.now),
      firstStep,
      names: this.#names,
      batches: new Batches((step, text) => this.#tell(step, 'batch', text)),
      caps: this.#caps,
      refuse: (argument, reason, kind) => this.#refuse('log', argument, reason, kind),
      doubt: (argument, reason) => notices.wrongUse('log', argument, reason),
    }
    if (body.clip?.mode === 'norm') this.#caps.declare(undefined, body.clip.max_norm)
    this.#recorder = new Recorder(this.#recording)
    this.#unwatch = platform.watchExit({
      onIdle: (hasFailed) => void this.finish({ status: hasFailed ? 'failed' : 'finished' }),
      onSignal: (status) => this.finish({ status, timeoutMs: SIGNAL_TIMEOUT_MS }),
      onForeignSignal: () => void this.flush(),
      onExit: (hasFailed) => this.#leave(hasFailed),
    })
    this.#background.add(
      resume ? { status: 'running', ...(fromStep !== undefined && { truncate_after: fromStep - 1 }) } : {},
    )
  }

  /** The file for readings that cannot be sent. */
  get spoolPath(): string | undefined {
    return this.#spools[0]?.path
  }

  log(readings: Readings, options?: LogOptions): void {
    this.#record(this.#recorder, readings, options)
  }

  part(name: string, options?: PartOptions): Part {
    const known = this.#parts.get(name)
    if (known !== undefined && options === undefined) return known
    const fault = !isPartName(name)
      ? 'must be 1 to 64 characters without "/"'
      : this.#names.addPart(name)
        ? undefined
        : `cannot be added: ${TOO_MANY_PARTS}`
    if (fault !== undefined) {
      this.#refuse('part', 'name', `${fault}; its readings are not kept`)
      return { name: textOf(name), log: () => void this.#invalid++ }
    }
    const fields = readPart(options, (option, reason) => this.#refuse('part', option, reason))
    if (fields.clip?.mode === 'norm') this.#caps.declare(name, fields.clip.max_norm)
    if (this.#finishing === undefined) this.#background.add({ parts: { [name]: fields } })
    if (known !== undefined) return known
    const recorder = new Recorder({ ...this.#recording, part: name })
    const part: Part = { name, log: (readings) => this.#record(recorder, readings) }
    this.#parts.set(name, part)
    return part
  }

  event(label: string, options?: EventOptions): void {
    if (this.#isOver) {
      return this.#notices.warn('finished', `event: run ${this.id} is finished; the event is not kept`)
    }
    const { newestStep } = this.#recorder
    const event = readEvent(label, options, newestStep, this.#recording.now(), (argument, reason) =>
      this.#refuse('event', argument, reason),
    )
    if (event !== undefined) this.#addEvent(event)
  }

  #tell(step: number, label: string, text: string): void {
    this.#addEvent({ step, ...timeAt(this.#recording.now()), label, text })
  }

  #addEvent(event: RunEvent): void {
    if (this.#events++ < MAX_EVENTS_PER_RUN) return this.#batcher.addEvent(event, this.#recording.now())
    this.#notices.warn(
      'events',
      `event: a run has at most ${MAX_EVENTS_PER_RUN} events; later ones are not kept`,
    )
  }

  #refuse(call: string, argument: string, reason: string, kind?: string): void {
    this.#invalid++
    this.#notices.wrongUse(call, argument, reason, kind)
  }

  #record(recorder: Recorder, readings: Readings, options?: LogOptions): void {
    if (this.#isOver) {
      return this.#notices.warn('finished', `log: run ${this.id} is finished; its readings are not kept`)
    }
    try {
      // the fields of a list are its indices, and a Map has none
      if (typeof readings !== 'object' || readings === null || Symbol.iterator in readings) {
        return this.#refuse('log', 'readings', 'must be an object such as { gradNorm, loss }')
      }
      recorder.record(readings, options === undefined ? undefined : this.#readLogOptions(options).batch)
    } catch (error) {
      if (this.#notices.isStrict) throw error
      this.#invalid++
      this.#notices.warn('log', `log: readings could not be taken: ${textOf(error)}`)
    }
  }

  #readLogOptions(options: LogOptions): LogOptions {
    return readOptions(options, LOG_RULES, (option, reason) => this.#refuse('log', option, reason))
  }

  flush(options?: FlushOptions): Promise<boolean> {
    if (this.#finishing !== undefined) return this.#finishing.then(hasAll)
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = readOptions(options, FLUSH_RULES, (option, reason) =>
      this.#refuse('flush', option, reason),
    )
    this.#batcher.seal()
    return this.#background.flush(timeoutMs)
  }

  finish(options?: FinishOptions): Promise<FinishReport> {
    if (this.#finishing !== undefined) return this.#finishing
    const { status = 'finished', timeoutMs = DEFAULT_TIMEOUT_MS } = readOptions(
      options,
      FINISH_RULES,
      (option, reason) => this.#refuse('finish', option, reason),
    )
    this.#finishing = this.#finish(status, timeoutMs)
    return this.#finishing
  }

  async #finish(status: RunStatus, timeoutMs: number): Promise<FinishReport> {
    this.#batcher.seal()
    this.#background.add({ status })
    const report = await this.#background.finish(timeoutMs)
    this.#unwatch()
    for (const spool of this.#spools) spool.release()
    return { ...report, invalid: this.#invalid }
  }

  /** The process ends without having awaited `finish`. Nothing asynchronous can run on this thread any more. */
  #leave(hasFailed: boolean): void {
    this.#batcher.seal()
    if (this.#finishing === undefined) this.#background.add({ status: hasFailed ? 'failed' : 'finished' })
    this.#background.leave()
    this.#hasLeft = true
  }

  /** Whether the run is finished, or its process ends: a listener of `exit` may run after ours. */
  get #isOver(): boolean {
    return this.#finishing !== undefined || this.#hasLeft
  }
}
