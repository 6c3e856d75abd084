import { LocalBackground, type Background, type Job, type SendReport } from './background.ts'
import { Batcher } from './batcher.ts'
import { steadyClock } from './clock.ts'
import type { Notices } from './notices.ts'
import type { Platform } from './platform.ts'
import { readEvent } from './events.ts'
import { Names } from './names.ts'
import { isPartName, readPart } from './parts.ts'
import { pageOf } from './server-address.ts'
import { Recorder, type RecorderOptions } from './recorder.ts'
import type { Settings } from './settings.ts'
import type { Spool } from './spool.ts'
import type { EventOptions, FinishOptions, FinishReport, Part, PartOptions, Readings, Run } from './types.ts'

/** Rows wait this long for others: most of what a killed process can lose. */
const MAX_AGE_MS = 500
const DEFAULT_TIMEOUT_MS = 10_000
/** After a signal somebody waits for the process to end. */
const SIGNAL_TIMEOUT_MS = 5_000

const hasAll = ({ unsent, lost }: SendReport): boolean => unsent === 0 && lost === 0

/** A run that is recorded, online or into the spool. */
export class RecordedRun implements Run {
  readonly id: string
  readonly url: string
  readonly #notices: Notices
  readonly #spools: Spool[] = []
  readonly #background: Background
  readonly #batcher: Batcher
  readonly #recording: RecorderOptions
  readonly #recorder: Recorder
  readonly #parts = new Map<string, Part>()
  /** Calls and readings refused as wrong use. */
  #invalid = 0
  readonly #unwatch: () => void
  #finishing: Promise<FinishReport> | undefined

  constructor(settings: Settings, platform: Platform, notices: Notices) {
    const { id, url, token, body, mode, resume, fromStep, firstStep } = settings
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
    })
    this.#recording = {
      batcher: this.#batcher,
      now: steadyClock(platform.now),
      firstStep,
      names: new Names(),
      refuse: (argument, reason) => this.#refuse('log', argument, reason),
      doubt: (argument, reason) => notices.wrongUse('log', argument, reason),
    }
    this.#recorder = new Recorder(this.#recording)
    this.#unwatch = platform.watchExit({
      onIdle: (hasFailed) => void this.finish({ status: hasFailed ? 'failed' : 'finished' }),
      onSignal: () => this.finish({ status: 'failed', timeoutMs: SIGNAL_TIMEOUT_MS }),
      onForeignSignal: () => void this.flush(),
      onExit: (hasFailed) => this.#leave(hasFailed),
    })
    this.#background.add(
      resume ? { status: 'running', ...(fromStep !== undefined && { truncate_after: fromStep - 1 }) } : {},
    )
  }

  log(readings: Readings): void {
    this.#record(this.#recorder, readings)
  }

  part(name: string, options?: PartOptions): Part {
    const known = this.#parts.get(name)
    if (known !== undefined && options === undefined) return known
    if (!isPartName(name)) {
      this.#refuse('part', 'name', 'must be 1 to 64 characters without "/"; its readings are not kept')
      return { name: String(name), log: () => void this.#invalid++ }
    }
    const fields = readPart(options ?? {}, (option, reason) => this.#refuse('part', option, reason))
    if (this.#finishing === undefined) this.#background.add({ parts: { [name]: fields } })
    if (known !== undefined) return known
    const recorder = new Recorder({ ...this.#recording, part: name })
    const part: Part = { name, log: (readings) => this.#record(recorder, readings) }
    this.#parts.set(name, part)
    return part
  }

  event(label: string, options: EventOptions = {}): void {
    if (this.#finishing !== undefined) {
      return this.#notices.warn('finished', `event: run ${this.id} is finished; the event is not kept`)
    }
    const given = { step: this.#recorder.newestStep, ...options }
    const event = readEvent(label, this.#recording.now(), given, (argument, reason) =>
      this.#refuse('event', argument, reason),
    )
    if (event === undefined) return
    this.#batcher.seal()
    this.#background.add({ events: [event] })
  }

  #refuse(call: string, argument: string, reason: string): void {
    this.#invalid++
    this.#notices.wrongUse(call, argument, reason)
  }

  #record(recorder: Recorder, readings: Readings): void {
    if (this.#finishing !== undefined) {
      return this.#notices.warn('finished', `log: run ${this.id} is finished; its readings are not kept`)
    }
    if (typeof readings !== 'object' || readings === null) {
      return this.#refuse('log', 'readings', 'must be an object such as { gradNorm, loss }')
    }
    try {
      recorder.record(readings)
    } catch (error) {
      if (this.#notices.isStrict) throw error
      this.#notices.warn('log', `log: readings could not be taken: ${String(error)}`)
    }
  }

  flush({
    timeoutMs = DEFAULT_TIMEOUT_MS,
  }: { readonly timeoutMs?: number | undefined } = {}): Promise<boolean> {
    if (this.#finishing !== undefined) return this.#finishing.then(hasAll)
    this.#batcher.seal()
    return this.#background.flush(timeoutMs)
  }

  finish({ timeoutMs = DEFAULT_TIMEOUT_MS, status = 'finished' }: FinishOptions = {}): Promise<FinishReport> {
    this.#finishing ??= this.#finish(status, timeoutMs)
    return this.#finishing
  }

  async #finish(status: 'finished' | 'failed', timeoutMs: number): Promise<FinishReport> {
    this.#batcher.seal()
    this.#background.add({ status })
    const report = await this.#background.finish(timeoutMs)
    this.#unwatch()
    for (const spool of this.#spools) spool.release()
    return { ...report, invalid: this.#invalid }
  }

  /** The process ends without having awaited `finish`: nothing asynchronous can happen on this thread any more. */
  #leave(hasFailed: boolean): void {
    this.#batcher.seal()
    if (this.#finishing === undefined) this.#background.add({ status: hasFailed ? 'failed' : 'finished' })
    this.#background.leave()
  }
}
