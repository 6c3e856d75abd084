import { LocalBackground, type Background } from './background.ts'
import { Batcher } from './batcher.ts'
import { steadyClock } from './clock.ts'
import type { Notices } from './notices.ts'
import type { Platform } from './platform.ts'
import { Recorder } from './recorder.ts'
import type { Settings } from './settings.ts'
import type { Spool } from './spool.ts'
import type { FinishOptions, FinishReport, Readings, Run } from './types.ts'

/** Rows wait this long for others: most of what a killed process can lose. */
const MAX_AGE_MS = 500
const DEFAULT_TIMEOUT_MS = 10_000
/** After a signal somebody waits for the process to end. */
const SIGNAL_TIMEOUT_MS = 5_000

const hasAll = ({ unsent, lost }: FinishReport): boolean => unsent === 0 && lost === 0

/** A run that is recorded, online or into the spool. */
export class RecordedRun implements Run {
  readonly id: string
  readonly url: string
  readonly #notices: Notices
  readonly #spools: Spool[] = []
  readonly #background: Background
  readonly #batcher: Batcher
  readonly #recorder: Recorder
  readonly #unwatch: () => void
  #finishing: Promise<FinishReport> | undefined

  constructor(settings: Settings, platform: Platform, notices: Notices) {
    const { id, url, token, body, mode, resume, fromStep, firstStep } = settings
    this.id = id
    this.url = `${url}/runs/${id}`
    this.#notices = notices
    const openSpool = () => {
      const head = { normwatch: 1, url, run: id, fields: { ...body } } as const
      const spool = platform.openSpool?.(settings.spoolDir, head)
      if (spool !== undefined) this.#spools.push(spool)
      return spool
    }
    const job = { run: id, url, token, fields: { ...body }, isOnline: mode === 'online' }
    const warn = notices.warn.bind(notices)
    const spool = openSpool()
    const here = (spool: Spool | undefined) => new LocalBackground({ ...platform, job, spool, warn })
    this.#background = platform.startThread?.(job, spool, warn, () => here(openSpool())) ?? here(spool)
    this.#batcher = new Batcher({
      maxAgeMs: MAX_AGE_MS,
      onBatch: (batch) => this.#background.add(batch),
    })
    this.#recorder = new Recorder({
      batcher: this.#batcher,
      now: steadyClock(platform.now),
      firstStep,
      refuse: (argument, reason) => notices.wrongUse('log', argument, reason),
    })
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
    if (this.#finishing !== undefined) {
      return this.#notices.warn('finished', `log: run ${this.id} is finished; its readings are not kept`)
    }
    if (typeof readings !== 'object' || readings === null) {
      return this.#notices.wrongUse('log', 'readings', 'must be an object such as { gradNorm, loss }')
    }
    try {
      this.#recorder.record(readings)
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
    return report
  }

  /** The process ends without having awaited `finish`: nothing asynchronous can happen on this thread any more. */
  #leave(hasFailed: boolean): void {
    this.#batcher.seal()
    if (this.#finishing === undefined) this.#background.add({ status: hasFailed ? 'failed' : 'finished' })
    this.#background.leave()
  }
}
