import type { GapReason } from '@normwatch/protocol'
import type { StoredRun } from '../storage/store.ts'
import { eventFrames, gapFrame, runFrame } from './frames.ts'
import type { Reader } from './reader.ts'
import { RecentEvents, type LiveEvent } from './recent-events.ts'

/** Milliseconds between two rounds of points: with the run frames, at most 20 frames a second. */
const POINTS_EVERY_MS = 56
/** Milliseconds between two frames of a run whose health does not change. */
const RUN_EVERY_MS = 500

/** What a reader has been sent of one run. */
interface Watch {
  /** The metrics wanted; `undefined` stands for all but the layers. */
  readonly metrics: readonly string[] | undefined
  /** Everything up to here was sent. */
  seq: number
  /** Which version of the run was sent. */
  version: number
  /** Something was left out because the reader was slow. */
  missed: boolean
}

/** One round of sending: the frames made for readers that had everything up to `seq`, by the metrics they hold. */
interface Round {
  readonly seq: number
  readonly frames: Map<string, readonly string[] | undefined>
}

/** Sends the events of one run to its readers, coalesced; one timer for all of them, so that frames are shared. */
export class RunChannel {
  readonly #run: string
  readonly #now: () => number
  #recent: RecentEvents
  readonly #watches = new Map<Reader, Watch>()
  /** Sent to every reader that keeps up. */
  #deliveredSeq: number
  #latest: StoredRun | undefined
  #version = 0
  #urgentVersion = 0
  #deliveredVersion = 0
  #pointsAt = -Infinity
  #runAt = -Infinity
  #runDueAt = Infinity
  #timer: NodeJS.Timeout | undefined
  #dueAt = Infinity

  constructor(run: string, since: number, now: () => number) {
    this.#run = run
    this.#now = now
    this.#recent = new RecentEvents(since)
    this.#deliveredSeq = since
  }

  get isWatched(): boolean {
    return this.#watches.size > 0
  }

  /** The number of the newest event. */
  get lastSeq(): number {
    return this.#recent.last
  }

  /** The run as it was told last. */
  get latest(): StoredRun | undefined {
    return this.#latest
  }

  /** Whether all events after this number are kept. */
  knows(seq: number): boolean {
    return this.#recent.after(seq) !== undefined
  }

  /** Up to here nothing else happened. */
  advance(seq: number): void {
    this.#recent.advance(seq)
  }

  /** Keeps the events after `since` too: all up to those that are kept. */
  prepend(since: number, events: readonly LiveEvent[]): void {
    this.#recent.prepend(since, events)
  }

  /** Begins anew with the events after `since`, up to `through`. Readers have everything up to there. */
  restart(since: number, events: readonly LiveEvent[], through: number): void {
    this.#recent = new RecentEvents(since)
    for (const event of events) this.#recent.push(event)
    this.#recent.advance(through)
    this.#deliveredSeq = through
    for (const watch of this.#watches.values()) Object.assign(watch, { seq: through, missed: false })
  }

  push(event: LiveEvent): void {
    this.#recent.push(event)
    if (!this.isWatched) this.#recent.trim()
    this.#schedule(event.type === 'finding' ? 0 : this.#pointsAt + POINTS_EVERY_MS)
  }

  changed(run: StoredRun, urgent: boolean): void {
    if (run.project !== this.#latest?.project) this.#moved(run.project)
    this.#latest = run
    this.#version++
    if (urgent) this.#urgentVersion = this.#version
    this.#runDueAt = urgent ? 0 : Math.min(this.#runDueAt, this.#runAt + RUN_EVERY_MS)
    this.#schedule(this.#runDueAt)
  }

  /** Readers that may not see the run's new project are told that it was removed. */
  #moved(project: string): void {
    for (const reader of this.#watches.keys()) {
      if (reader.mayHearOf(project)) continue
      reader.send(gapFrame(this.#run, 'deleted'), this.#now())
      this.unwatch(reader)
    }
  }

  /** Starts with the run itself, after a gap if `after` cannot be continued; then the later events follow. */
  watch(
    reader: Reader,
    run: StoredRun,
    metrics: readonly string[] | undefined,
    after: number | undefined,
  ): void {
    const now = this.#now()
    const { last } = this.#recent
    if (this.#watches.size === 0) {
      this.#deliveredSeq = last
      this.#deliveredVersion = this.#version
    }
    const isKnown = after !== undefined && this.#recent.after(after) !== undefined
    if (after !== undefined && !isKnown) reader.send(gapFrame(this.#run, 'after_too_old'), now)
    const seq = isKnown ? after : this.#deliveredSeq
    reader.send(runFrame(seq, run), now)
    this.#watches.set(reader, { metrics, seq, version: this.#version, missed: false })
    if (seq < last) this.#schedule(0)
  }

  unwatch(reader: Reader): void {
    this.#watches.delete(reader)
    if (this.#watches.size === 0) this.#unschedule()
  }

  /** Tells every reader at once to fetch again. */
  gap(reason: GapReason): void {
    const frame = gapFrame(this.#run, reason)
    for (const reader of this.#watches.keys()) reader.send(frame, this.#now())
  }

  close(): void {
    this.#watches.clear()
    this.#unschedule()
  }

  #schedule(at: number): void {
    if (this.#watches.size === 0 || this.#dueAt <= at) return
    this.#unschedule()
    this.#dueAt = at
    this.#timer = setTimeout(() => this.#flush(), Math.max(0, at - this.#now()))
  }

  #unschedule(): void {
    clearTimeout(this.#timer)
    this.#dueAt = Infinity
  }

  #flush(): void {
    this.#dueAt = Infinity
    const now = this.#now()
    const round = { seq: this.#deliveredSeq, frames: new Map<string, readonly string[] | undefined>() }
    if (now >= this.#runDueAt) {
      this.#deliveredVersion = this.#version
      this.#runAt = now
      this.#runDueAt = Infinity
    }
    for (const [reader, watch] of this.#watches) this.#tell(reader, watch, round, now)
    this.#pointsAt = now
    this.#deliveredSeq = this.#recent.last
    const watches = [...this.#watches.values()]
    const isWaiting = ({ missed, seq }: Watch) => !missed && seq < this.#deliveredSeq
    if (!watches.some(isWaiting)) this.#recent.trim()
    this.#schedule(this.#runDueAt)
    if (watches.some((watch) => isWaiting(watch) || watch.missed || watch.version < this.#deliveredVersion)) {
      this.#schedule(now + POINTS_EVERY_MS)
    }
  }

  #tell(reader: Reader, watch: Watch, round: Round, now: number): void {
    const { last } = this.#recent
    if (reader.isSlow) {
      watch.missed ||= watch.seq < last
      return
    }
    // Findings are sent regardless of the frame rate; earlier events are sent with them, to keep `seq` correct.
    const hasFinding = watch.seq < this.#recent.lastFinding
    if (!reader.mayGet(now) && !hasFinding) return
    if ((watch.missed || watch.seq < last) && (hasFinding || reader.isTurnOf(this.#run, now))) {
      const frames = watch.missed ? undefined : this.#framesFor(watch, round)
      reader.sendPoints(this.#run, frames ?? [gapFrame(this.#run, 'slow')], now)
      watch.missed = false
      watch.seq = last
    }
    if (watch.version >= this.#deliveredVersion || this.#latest === undefined) return
    const isUrgent = watch.version < this.#urgentVersion
    if (isUrgent ? reader.mayGet(now) : reader.mayGetChange(now)) {
      reader.sendChange(runFrame(watch.seq, this.#latest), now)
      watch.version = this.#deliveredVersion
    }
  }

  /** The frames after what this reader has; readers that keep up and watch the same metrics share them. */
  #framesFor({ seq, metrics }: Watch, round: Round): readonly string[] | undefined {
    const make = () => {
      const events = this.#recent.after(seq)
      return events === undefined ? undefined : eventFrames(this.#run, events, metrics)
    }
    if (seq !== round.seq) return make()
    const key = metrics === undefined ? '' : JSON.stringify(metrics)
    if (!round.frames.has(key)) round.frames.set(key, make())
    return round.frames.get(key)
  }
}
