import { bytesOf, encodeBatch, type Batch } from './chunk.ts'
import type { OutboxItem, RunNews } from './outbox-item.ts'
import type { Place, Spool } from './spool.ts'
import type { Tally } from './tally.ts'

/** An entry of the outbox. Its content is in memory (`body`) or in the spool (`place`). */
export interface Entry {
  readonly points: number
  body: Batch | RunNews | undefined
  place: Place | undefined
  isGone: boolean
}

export interface OutboxOptions {
  readonly spool: Spool | undefined
  /** Bytes of readings in memory above which the oldest go to the spool. */
  readonly maxBytes: number
  /** Counts what waits in the spool. */
  readonly tally: Tally
  /** Called if the spool could not be written. Readings stay in memory. */
  readonly onSpoolFailure: (error: unknown) => void
  /** Called with a number of points that are lost because memory is full and the spool did not take them. */
  readonly onLost: (points: number) => void
}

/** The oldest readings are dropped at this multiple of `maxBytes`, if the spool fails or is slower than the readings. */
const HARD_LIMIT = 4

/** A first-in, first-out queue of batches and changes of the run that wait to be sent, in bounded memory. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #entries: Entry[] = []
  #bytes = 0
  #inSpool = 0
  /** Spills run one at a time. `#spills` counts those that have not ended. */
  #lastSpill: Promise<void> = Promise.resolve()
  #spills = 0

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** The number of batches and changes that wait. */
  get waiting(): number {
    return this.#entries.length
  }

  get isOverBound(): boolean {
    return this.#bytes > this.#options.maxBytes
  }

  /** Whether something waits in memory, which a killed process would lose. */
  get isInMemory(): boolean {
    return this.#entries.some(({ body }) => body !== undefined)
  }

  /** Whether something waits in the spool. */
  get isInSpool(): boolean {
    return this.#inSpool > 0
  }

  /** Points that wait in memory. */
  get pointsInMemory(): number {
    return this.#entries.reduce((sum, { points, body }) => (body === undefined ? sum : sum + points), 0)
  }

  /** Points that wait, in memory or in the spool. */
  get points(): number {
    return this.#entries.reduce((sum, { points }) => sum + points, 0)
  }

  /** Adds rows, or a change of the run that must be applied after the rows added before it. */
  add(body: Batch | RunNews): void {
    const points = 'rows' in body ? body.rows : 0
    this.#entries.push({ points, body, place: undefined, isGone: false })
    this.#bytes += bytesIn(body)
    this.#dropOverHardLimit()
  }

  /** The oldest batch. */
  head(): Entry | undefined {
    return this.#entries[0]
  }

  /** The content of an entry. Rejects if the spool cannot be read. */
  async read(entry: Entry): Promise<OutboxItem> {
    if (entry.body !== undefined) return toItem(entry.body)
    return (this.#options.spool as Spool).read(entry.place as Place)
  }

  /** Removes an entry that is settled: sent, refused or lost. */
  async remove(entry: Entry): Promise<void> {
    if (entry.isGone) return
    this.#entries.splice(this.#entries.indexOf(entry), 1)
    entry.isGone = true
    this.#forget(entry)
    if (entry.place !== undefined) {
      this.#inSpool--
      this.#options.tally.add('spooled', -entry.points)
      await this.#clearSpool()
    }
  }

  /** Moves what is in memory to the spool, in order, until the spool fails. Never rejects. */
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

  /** Synchronously writes what is in memory to the spool, at process exit. Returns how many points could not be kept. */
  spillNow(): number {
    let lost = 0
    for (const { body, points } of this.#entries) {
      if (body === undefined) continue
      try {
        if (this.#options.spool === undefined) lost += points
        else this.#options.spool.appendNow(toItem(body))
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
        const place = await spool.append(toItem(entry.body))
        // the entry was sent while it was being written: its line in the file does no harm
        if (entry.isGone) continue
        this.#forget(entry)
        entry.place = place
        this.#inSpool++
        this.#options.tally.add('spooled', entry.points)
      }
    } catch (error) {
      this.#options.onSpoolFailure(error)
    }
  }

  #forget(entry: Entry): void {
    this.#bytes -= bytesIn(entry.body)
    entry.body = undefined
  }

  async #clearSpool(): Promise<void> {
    if (this.#inSpool > 0 || this.#spills > 0) return
    try {
      await this.#options.spool?.clear()
    } catch (error) {
      this.#options.onSpoolFailure(error)
    }
  }

  #dropOverHardLimit(): void {
    while (this.#bytes > HARD_LIMIT * this.#options.maxBytes) {
      // keep the head: it may be being sent
      const at = this.#entries.findIndex(({ body }, i) => i > 0 && bytesIn(body) > 0)
      if (at < 0) return
      const [oldest] = this.#entries.splice(at, 1) as [Entry]
      oldest.isGone = true
      this.#forget(oldest)
      this.#options.onLost(oldest.points)
    }
  }
}

function bytesIn(body: Batch | RunNews | undefined): number {
  return body !== undefined && 'rows' in body ? bytesOf(body) : 0
}

function toItem(body: Batch | RunNews): OutboxItem {
  if ('rows' in body) return { columns: encodeBatch(body) }
  return 'events' in body ? body : { patch: body }
}
