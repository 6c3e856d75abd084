import type { Courier } from './courier.ts'
import { pointsOf, type Parcel } from './parcel.ts'
import type { Entry, Queue } from './queue.ts'
import type { Leftover, Refusal, Spool } from './spool.ts'
import type { Tally } from './tally.ts'

export interface DeliveryOptions {
  readonly queue: Queue
  /** `undefined`: nothing is sent now, everything goes to the spool. */
  readonly courier: Courier | undefined
  readonly spool: Spool | undefined
  /** `lost` are points that could not be read back from the spool, or were refused and could not be kept. */
  readonly tally: Tally
  /** Told once for each refused parcel. */
  readonly onRefused: (refusal: Refusal) => void
}

/** How often what is in memory is looked at. */
const INTERVAL_MS = 250
/** A server that has not settled a batch for so long counts as away: readings go to the spool as they come. */
const AWAY_AFTER_MS = 250

/** Has what is in the queue sent, oldest first, or moved to the spool while the server is away. */
export class Delivery {
  readonly #options: DeliveryOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #pumping: Promise<void> | undefined
  /** When the batch under way was first sent, on the monotonic clock. */
  #sendingSince: number | undefined
  /** Not looked for yet, or not sent yet. */
  #leftovers: Leftover[] | undefined
  /** Its last try did not succeed. */
  #hasFailed = false
  #isStopped = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  get #isAway(): boolean {
    if (this.#options.courier === undefined || this.#hasFailed) return true
    return this.#sendingSince !== undefined && performance.now() - this.#sendingSince > AWAY_AFTER_MS
  }

  /** Something was added: it is taken in a moment, not on the caller's path. */
  wake(): void {
    this.#tickAfter(0)
  }

  /** A try did not succeed: from now on readings go to the spool as they come, until one does. */
  noteFailure(): void {
    this.#hasFailed = true
    this.#tickAfter(0)
  }

  /** Sends or spools all that waits. Resolves when nothing waits any more, or the delivery was stopped. */
  async drain(): Promise<void> {
    const { queue, courier } = this.#options
    await this.#pump()
    // a pump that was just ending may have missed what was added now
    if (courier !== undefined && !this.#isStopped && queue.waiting > 0) await this.#pump()
  }

  /** Ends all sending: what is under way counts as not sent. Resolves once nothing changes any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#options.courier?.stop()
    await this.#pumping
  }

  #tickAfter(ms: number): void {
    if (this.#isStopped) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tick(), ms)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }

  #tick(): void {
    const { queue } = this.#options
    if (this.#isAway || queue.isOverBound) void queue.spill()
    void this.#pump()
    if (queue.isInMemory) this.#tickAfter(INTERVAL_MS)
  }

  #pump(): Promise<void> {
    this.#pumping ??= this.#sendAll().finally(() => (this.#pumping = undefined))
    return this.#pumping
  }

  async #sendAll(): Promise<void> {
    const { queue, courier, tally } = this.#options
    if (courier === undefined) return void (await queue.spill())
    if (!(await this.#sendLeftovers(courier))) return
    for (let entry = queue.head(); entry !== undefined && !this.#isStopped; entry = queue.head()) {
      const parcel = await this.#read(entry)
      if (parcel === undefined) continue
      const refused = await this.#send(courier, parcel)
      if (refused === 'stopped') return
      tally.add('sent', entry.points - refused)
      await queue.remove(entry)
    }
  }

  /** Before the first of its own, what earlier processes of this run left: else it would replace what is newer. */
  async #sendLeftovers(courier: Courier): Promise<boolean> {
    this.#leftovers ??= (await this.#options.spool?.leftovers()) ?? []
    for (let file = this.#leftovers[0]; file !== undefined; file = this.#leftovers[0]) {
      try {
        for await (const parcel of file.read()) {
          if ((await this.#send(courier, parcel)) === 'stopped') return false
        }
        await file.remove()
      } catch {
        // it cannot be read: a sync will say so
      }
      this.#leftovers.shift()
    }
    return true
  }

  /** Has one parcel settled; the number of its points that were refused. */
  async #send(courier: Courier, parcel: Parcel): Promise<number | 'stopped'> {
    this.#sendingSince = performance.now()
    const delivered = await courier.send(parcel)
    this.#sendingSince = undefined
    if (delivered.kind === 'stopped') return 'stopped'
    this.#hasFailed = false
    let refused = 0
    for (const { parcel: part, refusal } of delivered.refused) {
      refused += pointsOf(part)
      await this.#keepRefused(part, refusal)
    }
    return refused
  }

  async #read(entry: Entry): Promise<Parcel | undefined> {
    try {
      return await this.#options.queue.read(entry)
    } catch (error) {
      // a sync that finds a file abandoned sends all of it before it removes it
      const isSentBySync = (error as { code?: string }).code === 'ENOENT'
      this.#options.tally.add(isSentBySync ? 'sent' : 'lost', entry.points)
      await this.#options.queue.remove(entry)
      return undefined
    }
  }

  async #keepRefused(parcel: Parcel, refusal: Refusal): Promise<void> {
    this.#options.onRefused(refusal)
    try {
      if (this.#options.spool === undefined) throw new Error('no spool here')
      await this.#options.spool.refuse(parcel, refusal)
      this.#options.tally.add('refused', pointsOf(parcel))
    } catch {
      this.#options.tally.add('lost', pointsOf(parcel))
    }
  }
}
