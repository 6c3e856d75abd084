import type { Courier } from './courier.ts'
import { pointsOf, type OutboxItem } from './outbox-item.ts'
import type { Entry, Outbox } from './outbox.ts'
import type { Leftover, Refusal, Spool } from './spool.ts'
import type { Tally } from './tally.ts'
import { monotonicNow, startTimer, stopTimer } from './own-timers.ts'

export interface SenderOptions {
  readonly outbox: Outbox
  /** If `undefined`, nothing is sent and everything goes to the spool. */
  readonly courier: Courier | undefined
  readonly spool: Spool | undefined
  /** `lost` counts points that could not be read back from the spool, or were refused and could not be kept. */
  readonly tally: Tally
  /** Called once per refused item. */
  readonly onRefused: (refusal: Refusal) => void
}

/** How often the readings in memory are checked. */
const INTERVAL_MS = 250
/** If the server has not settled a batch for this long, it counts as away and readings go straight to the spool. */
const AWAY_AFTER_MS = 250

/** Sends what is in the outbox, oldest first; while the server is away, moves it to the spool. */
export class Sender {
  readonly #options: SenderOptions
  #timer: ReturnType<typeof setTimeout> | undefined
  #pumping: Promise<void> | undefined
  /** When the current batch was first sent, on the monotonic clock. */
  #sendingSince: number | undefined
  /** Files of earlier processes that are not sent yet. `undefined` until they have been looked for. */
  #leftovers: Leftover[] | undefined
  /** The last try failed. */
  #hasFailed = false
  #isStopped = false

  constructor(options: SenderOptions) {
    this.#options = options
  }

  get #isAway(): boolean {
    if (this.#options.courier === undefined || this.#hasFailed) return true
    return this.#sendingSince !== undefined && monotonicNow() - this.#sendingSince > AWAY_AFTER_MS
  }

  /** Something was added. It is sent a moment later, so that the caller does not wait. */
  wake(): void {
    this.#tickAfter(0)
  }

  /** A try failed: readings go straight to the spool until a try succeeds. */
  noteFailure(): void {
    this.#hasFailed = true
    this.#tickAfter(0)
  }

  /** Sends or spools everything that waits. Resolves when nothing waits any more, or when the sender was stopped. */
  async drain(): Promise<void> {
    const { outbox, courier } = this.#options
    await this.#pump()
    // a pump that was about to end may have missed what was just added
    if (courier !== undefined && !this.#isStopped && outbox.waiting > 0) await this.#pump()
  }

  /** Stops sending. The current batch counts as not sent. Resolves once nothing changes any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    stopTimer(this.#timer)
    this.#options.courier?.stop()
    await this.#pumping
  }

  #tickAfter(ms: number): void {
    if (this.#isStopped) return
    stopTimer(this.#timer)
    this.#timer = startTimer(() => this.#tick(), ms)
    if (typeof this.#timer === 'object') this.#timer.unref()
  }

  #tick(): void {
    const { outbox } = this.#options
    if (this.#isAway || outbox.isOverBound) void outbox.spill()
    void this.#pump()
    if (outbox.isInMemory) this.#tickAfter(INTERVAL_MS)
  }

  #pump(): Promise<void> {
    this.#pumping ??= this.#sendAll().finally(() => (this.#pumping = undefined))
    return this.#pumping
  }

  async #sendAll(): Promise<void> {
    const { outbox, courier, tally } = this.#options
    if (courier === undefined) return void (await outbox.spill())
    if (!(await this.#sendLeftovers(courier))) return
    for (let entry = outbox.head(); entry !== undefined && !this.#isStopped; entry = outbox.head()) {
      const item = await this.#read(entry)
      if (item === undefined) continue
      const notStored = await this.#send(courier, item)
      if (notStored === 'stopped') return
      tally.add('sent', entry.points - notStored)
      await outbox.remove(entry)
    }
  }

  /** Sends files left by earlier processes of this run. They go first: sent later, they would overwrite newer readings. */
  async #sendLeftovers(courier: Courier): Promise<boolean> {
    this.#leftovers ??= (await this.#options.spool?.leftovers()) ?? []
    for (let file = this.#leftovers[0]; file !== undefined; file = this.#leftovers[0]) {
      try {
        for await (const item of file.read()) {
          if ((await this.#send(courier, item)) === 'stopped') return false
        }
        await file.remove()
      } catch {
        // it cannot be read: a sync reports that
      }
      this.#leftovers.shift()
    }
    return true
  }

  /** Sends one item until it is settled; returns of how many of its points the server has stored nothing. */
  async #send(courier: Courier, item: OutboxItem): Promise<number | 'stopped'> {
    this.#sendingSince = monotonicNow()
    const delivered = await courier.send(item)
    this.#sendingSince = undefined
    if (delivered.kind === 'stopped') return 'stopped'
    this.#hasFailed = false
    for (const { item: part, refusal } of delivered.refused) await this.#keepRefused(part, refusal)
    return delivered.notStored
  }

  async #read(entry: Entry): Promise<OutboxItem | undefined> {
    try {
      return await this.#options.outbox.read(entry)
    } catch (error) {
      // a sync that took the file for abandoned has sent all of it before removing it
      const isSentBySync = (error as { code?: string }).code === 'ENOENT'
      this.#options.tally.add(isSentBySync ? 'sent' : 'lost', entry.points)
      await this.#options.outbox.remove(entry)
      return undefined
    }
  }

  async #keepRefused(item: OutboxItem, refusal: Refusal): Promise<void> {
    this.#options.onRefused(refusal)
    try {
      if (this.#options.spool === undefined) throw new Error('no spool here')
      await this.#options.spool.refuse(item, refusal)
      this.#options.tally.add('refused', pointsOf(item))
    } catch {
      this.#options.tally.add('lost', pointsOf(item))
    }
  }
}
