import type { Finding, LiveFrame, Run, RunEvent, SettingsReply } from '@normwatch/protocol'
import type { Api } from '#lib/api/client.ts'
import { ApiFailure, sentenceOf } from '#lib/api/failure.ts'
import type { LiveConnection } from '#lib/state/live-connection.svelte.ts'
import { RunSeries } from './run-series.svelte.ts'

/** `deleted`: the run existed and was removed. */
export type RunPhase = 'loading' | 'ready' | 'missing' | 'deleted' | 'failed'

/** One run as its page shows it: facts, findings and readings, fetched once and kept current by the live connection. */
export class LiveRun {
  readonly id: string
  readonly series: RunSeries
  readonly #api: Api
  #run = $state.raw<Run | null>(null)
  #findings = $state.raw<readonly Finding[]>([])
  #events = $state.raw<readonly RunEvent[]>([])
  #settings = $state.raw<SettingsReply['settings']>({})
  #hasMore = $state(false)
  /** Findings that came live since the last fetch began. */
  #meanwhile: Finding[] = []
  #phase = $state<RunPhase>('loading')
  #failure = $state('')
  #metrics: readonly string[]
  #unwatch: () => void = () => undefined
  /** A watch begins with the run as it is then, and tells what comes after: until then, what was fetched may be too old for it. */
  #awaitsRun = false
  #connection!: LiveConnection

  constructor(api: Api, id: string, metrics: readonly string[]) {
    this.#api = api
    this.id = id
    this.#metrics = metrics
    this.series = new RunSeries(api, id)
  }

  get run(): Run | null {
    return this.#run
  }
  /** The detection settings in force, by section and name. */
  get settings(): SettingsReply['settings'] {
    return this.#settings
  }
  /** The open ones, and the newest of the closed ones. */
  get findings(): readonly Finding[] {
    return this.#findings
  }
  /** Checkpoints, restarts and whatever else was noted, in step order. */
  get events(): readonly RunEvent[] {
    return this.#events
  }
  /** Whether there are closed findings that were not fetched. */
  get hasMoreFindings(): boolean {
    return this.#hasMore
  }
  get phase(): RunPhase {
    return this.#phase
  }
  get failure(): string {
    return this.#failure
  }

  /** Watches the run, then fetches it (in this order, so that nothing falls between), until the returned function is called. */
  start(connection: LiveConnection): () => void {
    this.#connection = connection
    this.#watch()
    void this.load()
    return () => {
      this.#unwatch()
      this.series.stop()
    }
  }

  /** Changes which metrics are read. */
  async read(metrics: readonly string[]): Promise<void> {
    if (metrics.join('\n') === this.#metrics.join('\n')) return
    this.#metrics = metrics
    this.#watch()
    if (this.#run !== null) await this.series.load(metrics, this.#run.last_step)
  }

  load = async (): Promise<void> => {
    this.#meanwhile = []
    const isEarly = this.#awaitsRun
    // Beside the questions below: the newest step, which their replies tell, is not needed to begin with.
    const first = this.series.isLoaded ? undefined : this.series.loadFirst()
    try {
      const [run, { settings }, open, closed] = await Promise.all([
        this.#api.run(this.id),
        this.#api.runSettings(this.id),
        this.#api.findings(this.id, 'open'),
        this.#api.findings(this.id, 'closed'),
      ])
      this.accept(run)
      const isTooOld = isEarly && run.updated_at < (this.#run ?? run).updated_at
      this.#settings = settings
      this.#findings = [...open.findings, ...closed.findings]
      this.#hasMore = closed.next_cursor !== null
      for (const finding of this.#meanwhile) this.#keep(finding)
      this.#phase = 'ready'
      await first
      const lastStep = this.#run?.last_step ?? null
      if (first === undefined || !this.series.holds(this.#metrics, lastStep))
        await this.series.load(this.#metrics, lastStep)
      const { events } = await this.#api.events(this.id)
      // A run without events stays as it is: other ones would have every chart drawn once more.
      if (events.length + this.#events.length > 0) this.#events = events
      // What was found between the replies and the watch is in neither.
      if (isTooOld) await this.load()
    } catch (error) {
      if (error instanceof ApiFailure && error.notFound)
        this.#phase = this.#run === null ? 'missing' : 'deleted'
      else if (this.#run === null) {
        this.#phase = 'failed'
        this.#failure = sentenceOf(error)
      }
    }
  }

  /** Takes a version of the run in, unless a newer one is here: a reply may come later than what it was overtaken by. */
  accept(run: Run): void {
    const known = this.#run
    if (known !== null && run.updated_at < known.updated_at) return
    // A watch begins with the run as it is: the same once more would have every chart drawn once more.
    if (known === null || !isSame(run, known)) this.#run = run
  }

  #watch(): void {
    this.#awaitsRun = true
    const unwatchBefore = this.#unwatch
    const listener = { frame: (frame: LiveFrame) => this.#frame(frame), missed: () => void this.load() }
    this.#unwatch = this.#connection.watch({ run: this.id, metrics: this.#metrics }, listener)
    unwatchBefore()
  }

  #frame(frame: LiveFrame): void {
    if (frame.type === 'points') this.series.accept(frame.columns)
    else if (frame.type === 'run') {
      const isTooOld = this.#awaitsRun && this.#run !== null && this.#run.updated_at < frame.run.updated_at
      this.#awaitsRun = false
      this.accept({ ...frame.run, config: frame.run.config ?? this.#run?.config ?? {} })
      if (isTooOld) void this.load()
    } else if (frame.type === 'finding') {
      this.#meanwhile.push(frame.finding)
      this.#keep(frame.finding)
    } else if (frame.type === 'event') this.#note(frame.event)
    else if (frame.type === 'gap' && frame.reason === 'deleted') this.#phase = 'deleted'
    else if (frame.type === 'gap' && frame.reason === 'truncated') this.series.forget()
  }

  /** An event takes the place of one with the same step and label. */
  #note(event: RunEvent): void {
    const others = this.#events.filter(({ step, label }) => step !== event.step || label !== event.label)
    this.#events = [...others, event].sort((a, b) => a.step - b.step)
  }

  #keep(finding: Finding): void {
    const others = this.#findings.filter(({ id }) => id !== finding.id)
    const isNew = others.length === this.#findings.length
    this.#findings = isNew
      ? [finding, ...others]
      : this.#findings.map((other) => (other.id === finding.id ? finding : other))
  }
}

function isSame(run: Run, known: Run): boolean {
  if (run.updated_at !== known.updated_at) return false
  const keys = Object.keys(run) as (keyof Run)[]
  return keys.every((key) => JSON.stringify(run[key]) === JSON.stringify(known[key]))
}
