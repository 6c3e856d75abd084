import { Chunk, type Column } from './chunk.ts'
import type { Parcel, RunChange } from './parcel.ts'
import type { Place, Spool } from './spool.ts'

/** A place in the queue: its content is in memory (`body`) or in the spool (`place`). */
export interface Entry {
  readonly points: number
  body: Chunk | RunChange | undefined
  place: Place | undefined
  isGone: boolean
}

export interface BatcherOptions {
  readonly spool: Spool | undefined
  /** Bytes of readings in memory above which the oldest go to the spool. */
  readonly maxBytes: number
  /** A first row waits to be sent, or a batch is full. */
  readonly onDue: (isFull: boolean) => void
  /** The spool takes nothing now; readings stay in memory. */
  readonly onSpoolFailure: (error: unknown) => void
  /** Readings of this many points are lost: memory is full and no spool took them. */
  readonly onLost: (points: number) => void
}

/** A loop that never lets the background run cannot spill: at this multiple of `maxBytes` its oldest readings are lost. */
const HARD_LIMIT = 4

/** The queue between `log` and the network: rows become batches of columns, first in, first out, in bounded memory. */
export class Batcher {
  readonly #options: BatcherOptions
  readonly #entries: Entry[] = []
  #open = new Chunk()
  #bytes = 0
  #inSpool = 0
  /** Spills happen one after another; `#spills` of them have not ended. */
  #lastSpill: Promise<void> = Promise.resolve()
  #spills = 0

  constructor(options: BatcherOptions) {
    this.#options = options
  }

  /** The chunk that rows go to now. */
  get open(): Chunk {
    return this.#open
  }

  /** Batches that wait, the open one not counted. */
  get waiting(): number {
    return this.#entries.length
  }

  get isOverBound(): boolean {
    return this.#bytes > this.#options.maxBytes
  }

  /** Something waits that a killed process would lose. */
  get isInMemory(): boolean {
    return this.#open.rows > 0 || this.#entries.some(({ body }) => body !== undefined)
  }

  /** Something waits in the spool. */
  get isInSpool(): boolean {
    return this.#inSpool > 0
  }

  /** Points that wait in memory. */
  get pointsInMemory(): number {
    return this.#entries.reduce(
      (sum, { points, body }) => (body === undefined ? sum : sum + points),
      this.#open.rows,
    )
  }

  /** Points that wait, in memory or in the spool. */
  get points(): number {
    return this.#entries.reduce((sum, { points }) => sum + points, this.#open.rows)
  }

  /** Starts a row, or goes on with the newest one when it has this step. */
  startRow(step: number, time: number): void {
    if (step === this.#open.lastStep) return
    if (this.#open.isFull) this.#sealFull()
    this.#open.addRow(step, time)
    if (this.#open.rows === 1) this.#options.onDue(false)
  }

  /** The column of the newest row for this name. */
  column(name: string): Column {
    const column = this.#open.column(name)
    if (column !== undefined) return column
    const { lastStep } = this.#open
    this.#sealFull()
    this.#open.addRow(lastStep, NaN)
    return this.#open.column(name) as Column
  }

  /** Makes the rows logged so far a batch of their own. */
  seal(): void {
    if (this.#open.rows === 0) return
    this.#entries.push({ points: this.#open.rows, body: this.#open, place: undefined, isGone: false })
    this.#bytes += this.#open.bytes
    this.#open = new Chunk()
    this.#dropOverHardLimit()
  }

  /** Queues a change of the run, behind the rows logged so far. */
  addChange(change: RunChange): void {
    this.seal()
    this.#entries.push({ points: 0, body: change, place: undefined, isGone: false })
  }

  /** The oldest batch. */
  head(): Entry | undefined {
    return this.#entries[0]
  }

  /** The content of a batch. Rejects when the spool cannot be read. */
  async read(entry: Entry): Promise<Parcel> {
    if (entry.body !== undefined) return toParcel(entry.body)
    return (this.#options.spool as Spool).read(entry.place as Place)
  }

  /** The batch is settled: sent, refused or lost. */
  async remove(entry: Entry): Promise<void> {
    if (entry.isGone) return
    this.#entries.splice(this.#entries.indexOf(entry), 1)
    entry.isGone = true
    this.#forget(entry)
    if (entry.place !== undefined) {
      this.#inSpool--
      await this.#clearSpool()
    }
  }

  /** Moves sealed batches from memory to the spool, in order, as far as it takes them. Never rejects. */
  spill(): Promise<void> {
    const { spool } = this.#options
    if (spool === undefined) return Promise.resolve()
    this.#spills++
    this.#lastSpill = this.#lastSpill
      .then(() => this.#spillTo(spool))
      .finally(() => {
        this.#spills--
        return this.#clearSpool()
      })
    return this.#lastSpill
  }

  /** Writes what is in memory to the spool without waiting, for the exit of the process. Returns the points it could not keep. */
  spillNow(): number {
    this.seal()
    let lost = 0
    for (const { body, points } of this.#entries) {
      if (body === undefined) continue
      try {
        if (this.#options.spool === undefined) lost += points
        else this.#options.spool.appendNow(toParcel(body))
      } catch {
        lost += points
      }
    }
    return lost
  }

  async #spillTo(spool: Spool): Promise<void> {
    try {
      for (;;) {
        const entry = this.#entries.find(({ body }) => body !== undefined)
        if (entry?.body === undefined) break
        const place = await spool.append(toParcel(entry.body))
        // an entry that was sent while it was being written is in the file for nothing
        if (entry.isGone) continue
        this.#forget(entry)
        entry.place = place
        this.#inSpool++
      }
    } catch (error) {
      this.#options.onSpoolFailure(error)
    }
  }

  #forget(entry: Entry): void {
    if (entry.body instanceof Chunk) this.#bytes -= entry.body.bytes
    entry.body = undefined
  }

  async #clearSpool(): Promise<void> {
    if (this.#inSpool === 0 && this.#spills === 0) await this.#options.spool?.clear()
  }

  #sealFull(): void {
    this.seal()
    this.#options.onDue(true)
  }

  #dropOverHardLimit(): void {
    while (this.#bytes > HARD_LIMIT * this.#options.maxBytes) {
      // the head may be under way: it stays
      const at = this.#entries.findIndex(({ body }, i) => i > 0 && body instanceof Chunk)
      if (at < 0) return
      const [oldest] = this.#entries.splice(at, 1) as [Entry]
      oldest.isGone = true
      this.#forget(oldest)
      this.#options.onLost(oldest.points)
    }
  }
}

function toParcel(body: Chunk | RunChange): Parcel {
  return body instanceof Chunk ? { columns: body.encode() } : { patch: body }
}
