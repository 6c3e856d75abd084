import { Chunk, type Batch, type Column } from './chunk.ts'
import type { RunEvent } from './outbox-item.ts'
import { startTimer } from './own-timers.ts'

/** Fewer than the server takes, so that events with the longest texts stay below its body limit. */
const MAX_EVENTS_PER_REQUEST = 500

export interface BatcherOptions {
  /** The most milliseconds that a row waits for other rows. */
  readonly maxAgeMs: number
  /** Called with each complete batch. */
  readonly onBatch: (batch: Batch) => void
  /** Called with events that are sent together, after the batch of the rows before them. */
  readonly onEvents: (events: RunEvent[]) => void
}

/**
 * Gathers rows into batches, and events, on the caller's thread. A batch ends when it is full or old. Both a timer and each new row
 * check its age, because timers do not fire in a loop that never yields to the event loop.
 */
export class Batcher {
  readonly #options: BatcherOptions
  #open = new Chunk()
  #events: RunEvent[] = []
  /** Whether a row or an event waits. */
  #isWaiting = false
  /** When the first of them came, in milliseconds. */
  #openedAt = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  /** The chunk that new rows go to. */
  get open(): Chunk {
    return this.#open
  }

  /** Starts a row at `now` (milliseconds), or continues the newest row if it has the same step. */
  startRow(step: number, time: number, now: number): void {
    if (step === this.#open.lastStep) return
    if (this.#open.isFull || this.#isOld(now)) this.seal()
    this.#open.addRow(step, time)
    if (!this.#isWaiting) this.#begin(now)
  }

  /** Adds an event at `now` (milliseconds). */
  addEvent(event: RunEvent, now: number): void {
    if (this.#events.length === MAX_EVENTS_PER_REQUEST || this.#isOld(now)) this.seal()
    this.#events.push(event)
    if (!this.#isWaiting) this.#begin(now)
  }

  /** The column of the newest row for this name. */
  column(name: string): Column {
    const column = this.#open.column(name)
    if (column !== undefined) return column
    const { lastStep, lastTime } = this.#open
    this.seal()
    this.#open.addRow(lastStep, lastTime)
    return this.#open.column(name) as Column
  }

  /** Ends the batch, and passes on the rows and events so far. */
  seal(): void {
    this.#isWaiting = false
    if (this.#open.rows > 0) {
      const batch = this.#open.toBatch()
      this.#open = new Chunk()
      this.#options.onBatch(batch)
    }
    if (this.#events.length > 0) {
      const events = this.#events
      this.#events = []
      this.#options.onEvents(events)
    }
  }

  #isOld(now: number): boolean {
    return this.#isWaiting && now - this.#openedAt >= this.#options.maxAgeMs
  }

  #begin(now: number): void {
    this.#isWaiting = true
    this.#openedAt = now
    if (this.#timer !== undefined || this.#options.maxAgeMs === Infinity) return
    this.#timer = startTimer(() => {
      this.#timer = undefined
      this.seal()
    }, this.#options.maxAgeMs)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }
}
