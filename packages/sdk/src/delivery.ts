import type { Batcher, Entry } from './batcher.ts'
import type { Courier } from './courier.ts'
import { pointsOf, type Parcel } from './parcel.ts'
import type { Refusal, Spool } from './spool.ts'

export interface DeliveryOptions {
  readonly batcher: Batcher
  /** `undefined`: nothing is sent now, everything goes to the spool. */
  readonly courier: Courier | undefined
  readonly spool: Spool | undefined
  /** Told once for each refused parcel. */
  readonly onRefused: (refusal: Refusal) => void
}

/** Rows wait this long for others: what a killed process can lose. */
const INTERVAL_MS = 500
/** A server that has not settled a batch for so long counts as away: readings go to the spool as they come. */
const AWAY_AFTER_MS = 2_000

/** The background half of a run: takes batches from the queue at short intervals and has them sent, oldest first. */
export class Delivery {
  sent = 0
  refused = 0
  /** Points that were in the spool and could not be read back, or were refused and could not be kept. */
  lost = 0
  readonly #options: DeliveryOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #pumping: Promise<void> | undefined
  /** When the batch under way was first sent, on the monotonic clock. */
  #sendingSince: number | undefined
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  get #isAway(): boolean {
    if (this.#options.courier === undefined) return true
    return this.#sendingSince !== undefined && performance.now() - this.#sendingSince > AWAY_AFTER_MS
  }

  /** Rows wait: sends them after a moment; at once (yet not on the caller's path) when a batch is full. */
  wake(isFull: boolean): void {
    if (this.#isStopped || (this.#timer !== undefined && !isFull)) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tick(), isFull ? 0 : INTERVAL_MS)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }

  /** Sends or spools all that waits. Resolves when nothing waits any more, or the delivery was stopped. */
  async drain(): Promise<void> {
    const { batcher, courier } = this.#options
    batcher.seal()
    await this.#pump()
    // a pump that was just ending may have missed what was sealed now
    if (courier !== undefined && !this.#isStopped && batcher.waiting > 0) await this.#pump()
  }

  /** Ends all sending; what is under way counts as not sent. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#options.courier?.stop()
  }

  #tick(): void {
    this.#timer = undefined
    const { batcher } = this.#options
    // while batches wait, rows gather in the open one: fewer and larger requests
    if (this.#isAway || batcher.waiting === 0) batcher.seal()
    if (this.#isAway || batcher.isOverBound) void batcher.spill()
    void this.#pump()
    if (batcher.isInMemory) this.wake(false)
  }

  #pump(): Promise<void> {
    this.#pumping ??= this.#sendAll().finally(() => (this.#pumping = undefined))
    return this.#pumping
  }

  async #sendAll(): Promise<void> {
    const { batcher, courier } = this.#options
    if (courier === undefined) return void (await batcher.spill())
    for (let entry = batcher.head(); entry !== undefined && !this.#isStopped; entry = batcher.head()) {
      const parcel = await this.#read(entry)
      if (parcel === undefined) continue
      this.#sendingSince = performance.now()
      const delivered = await courier.send(parcel)
      this.#sendingSince = undefined
      if (delivered.kind === 'stopped') return
      let refused = 0
      for (const { parcel: part, refusal } of delivered.refused) {
        refused += pointsOf(part)
        await this.#keepRefused(part, refusal)
      }
      this.sent += entry.points - refused
      await batcher.remove(entry)
    }
  }

  async #read(entry: Entry): Promise<Parcel | undefined> {
    try {
      return await this.#options.batcher.read(entry)
    } catch (error) {
      // a sync that finds a file abandoned sends all of it before it removes it
      const isSentBySync = (error as { code?: string }).code === 'ENOENT'
      if (isSentBySync) this.sent += entry.points
      else this.lost += entry.points
      await this.#options.batcher.remove(entry)
      return undefined
    }
  }

  async #keepRefused(parcel: Parcel, refusal: Refusal): Promise<void> {
    this.#options.onRefused(refusal)
    try {
      if (this.#options.spool === undefined) throw new Error('no spool here')
      await this.#options.spool.refuse(parcel, refusal)
      this.refused += pointsOf(parcel)
    } catch {
      this.lost += pointsOf(parcel)
    }
  }
}
