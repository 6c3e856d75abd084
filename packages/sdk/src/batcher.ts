import { Chunk, type Batch, type Column } from './chunk.ts'

export interface BatcherOptions {
  /** The most milliseconds that a row waits for other rows. */
  readonly maxAgeMs: number
  /** Called with each complete batch. */
  readonly onBatch: (batch: Batch) => void
}

/**
 * Gathers rows into batches, on the caller's thread. A batch ends when it is full or old. Both a timer and each new row
 * check its age, because timers do not fire in a loop that never yields to the event loop.
 */
export class Batcher {
  readonly #options: BatcherOptions
  #open = new Chunk()
  /** When the open batch got its first row, in milliseconds. */
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
    if (this.#open.rows === 1) this.#begin(now)
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

  /** Ends the batch and passes the rows logged so far to `onBatch`. */
  seal(): void {
    if (this.#open.rows === 0) return
    const batch = this.#open.toBatch()
    this.#open = new Chunk()
    this.#options.onBatch(batch)
  }

  #isOld(now: number): boolean {
    return this.#open.rows > 0 && now - this.#openedAt >= this.#options.maxAgeMs
  }

  #begin(now: number): void {
    this.#openedAt = now
    if (this.#timer !== undefined || this.#options.maxAgeMs === Infinity) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.seal()
    }, this.#options.maxAgeMs)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }
}
