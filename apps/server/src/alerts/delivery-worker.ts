import type { ClaimedDelivery, DeliveryStore, Settlement } from '../storage/alert-store.ts'
import type { ChoreStore } from '../storage/chore-store.ts'
import type { StoredFinding } from '../storage/store.ts'
import { messageOf } from './messages/message.ts'
import { verdict, type Answer } from './retry-schedule.ts'
import type { Sender } from './kinds/kind.ts'

/** Messages sent at once, over all channels and for one. */
const MAX_IN_FLIGHT = 32
const MAX_PER_CHANNEL = 2
/** Longer than any attempt takes: after a crash, a claimed delivery is tried again after this. */
const LEASE_MS = 60_000
const CHORES_EVERY_MS = 60_000
/** The claim of a server that dies ends before the next check. */
const CHORES_LEASE_MS = 45_000
/** How often to look for what other servers left or made due: the longest sleep where there may be others. */
const LOOK_EVERY_MS = 2_000
const PAUSE_AFTER_ERROR_MS = 5_000
/** `setTimeout` takes no longer wait. */
const LONGEST_SLEEP_MS = 2 ** 31 - 1
/** Sent and failed deliveries stay readable this long. */
const KEEP_MS = 30 * 24 * 60 * 60 * 1000
/** How long a message waits for the explanation of its finding. */
const EXPLAINED_WITHIN_MS = 5_000
/** The clock was set back if it lost this much against a monotonic clock. */
const SET_BACK_MS = 1_000
/** How long stopping waits for running attempts. */
const DRAIN_MS = 3_000

export type Outcome = 'sent' | 'retried' | 'failed' | 'disabled'

export interface WorkerOptions {
  readonly deliveries: DeliveryStore
  readonly chores: ChoreStore
  readonly send: Sender
  /** The finding with its explanation; without it if that takes longer than `timeoutMs`. */
  readonly explained: (finding: StoredFinding, timeoutMs: number) => Promise<StoredFinding>
  readonly now: () => number
  /** From [0, 1), for the jitter. */
  readonly random: () => number
  readonly log: {
    error(fields: object, sentence: string): void
    info(fields: object, sentence: string): void
  }
  readonly onOutcome: (channel: string, outcome: Outcome) => void
}

/**
 * Sends due deliveries, and sleeps until the next is due: there is no polling, unless other servers may queue deliveries
 * too. Each attempt claims its delivery with a lease, so after a crash between sending and recording it is sent again
 * under the same id, and none is lost.
 */
export class DeliveryWorker {
  readonly #options: WorkerOptions
  readonly #inFlight = new Map<string, number>()
  readonly #tries = new Set<Promise<void>>()
  readonly #abort = new AbortController()
  #pumping: Promise<void> | undefined
  #choring: Promise<void> | undefined
  #publicUrl = ''
  #again = false
  #stopped = false
  /** The system clock's lead over a monotonic clock at the last check; unknown before the first. */
  #lead = Infinity
  #sleep: NodeJS.Timeout | undefined
  #chores: NodeJS.Timeout | undefined
  #unsubscribe: () => void = () => undefined

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Begins with what an earlier process left. Links in messages start with `publicUrl`. */
  start(publicUrl: string): void {
    this.#publicUrl = publicUrl
    this.#unsubscribe = this.#options.deliveries.onQueued(() => this.wake())
    this.#chores = setInterval(() => this.#beginChores(), CHORES_EVERY_MS).unref()
    this.wake()
    this.#beginChores()
  }

  /** Claims nothing more, waits some seconds for running attempts and aborts the rest: they stay due. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#unsubscribe()
    clearInterval(this.#chores)
    clearTimeout(this.#sleep)
    await this.#pumping
    await this.#choring
    const drain = setTimeout(() => this.#abort.abort(), DRAIN_MS)
    await Promise.all(this.#tries)
    clearTimeout(drain)
  }

  /** Checks for due deliveries at once; it does so by itself when one is queued or falls due. */
  wake(): void {
    if (this.#stopped) return
    this.#again = true
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined
      // Something may have been queued after the last claim and before the next due time was read.
      if (this.#again) this.wake()
    })
  }

  async #pump(): Promise<void> {
    const { deliveries, log } = this.#options
    try {
      const [now, began] = [this.#options.now(), performance.now()]
      await this.#noticeClock(now - began, now)
      while (this.#again && !this.#stopped) {
        this.#again = false
        const claimed = await this.#claim()
        for (const delivery of claimed) this.#launch(delivery)
        this.#again ||= claimed.length > 0
      }
      const next = await deliveries.nextDue(now)
      const wait = next === null ? Infinity : next - now - (performance.now() - began)
      const longest = this.#options.chores.isShared ? LOOK_EVERY_MS : Infinity
      if (wait < Infinity || longest < Infinity) this.#sleepFor(Math.min(wait, longest))
    } catch (error) {
      log.error({ err: error }, 'deliveries could not be claimed; trying again soon')
      this.#sleepFor(PAUSE_AFTER_ERROR_MS)
    }
  }

  /** What waits must not wait longer because the clock was set back, here or before the start. */
  async #noticeClock(lead: number, now: number): Promise<void> {
    if (lead < this.#lead - SET_BACK_MS) await this.#options.deliveries.restartWaits(now)
    this.#lead = lead
  }

  async #claim(): Promise<ClaimedDelivery[]> {
    const limit = MAX_IN_FLIGHT - this.#tries.size
    if (limit <= 0) return []
    const busy = [...this.#inFlight]
      .filter(([, count]) => count >= MAX_PER_CHANNEL)
      .map(([channel]) => channel)
    return this.#options.deliveries.claim({
      now: this.#options.now(),
      leaseMs: LEASE_MS,
      limit,
      except: busy,
    })
  }

  #launch(delivery: ClaimedDelivery): void {
    const { id } = delivery.channel
    this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1)
    const done = this.#try(delivery)
      .catch((error: unknown) =>
        this.#options.log.error({ err: error, delivery: delivery.id }, 'a delivery could not be recorded'),
      )
      .finally(() => {
        this.#tries.delete(done)
        const left = (this.#inFlight.get(id) ?? 1) - 1
        if (left === 0) this.#inFlight.delete(id)
        else this.#inFlight.set(id, left)
        this.wake()
      })
    this.#tries.add(done)
  }

  async #try({ id, claim, channel, tries, events }: ClaimedDelivery): Promise<void> {
    const { deliveries, send, now, random, log, onOutcome } = this.#options
    const explained = await Promise.all(
      events.map(async (event) => ({
        ...event,
        finding: await this.#options.explained(event.finding, EXPLAINED_WITHIN_MS),
      })),
    )
    const message = messageOf(id, explained, this.#publicUrl)
    const answer = await send(message, channel, { now: now(), signal: this.#abort.signal })
    // An attempt aborted by the stop says nothing about the receiver: it stays claimed until its lease ends.
    if (this.#abort.signal.aborted && answer.status === null) return
    const settlement = settlementOf(answer, tries, now(), random())
    if (!(await deliveries.settle({ id, claim }, settlement, now()))) return
    const outcome = outcomeOf(settlement)
    onOutcome(channel.id, outcome)
    if (outcome !== 'sent') {
      log.info(
        { delivery: id, channel: channel.id, tries, status: answer.status },
        `message not taken, ${outcome}`,
      )
    }
  }

  #sleepFor(ms: number): void {
    clearTimeout(this.#sleep)
    if (this.#stopped) return
    this.#sleep = setTimeout(() => this.wake(), Math.min(Math.max(ms, 0), LONGEST_SLEEP_MS)).unref()
  }

  #beginChores(): void {
    this.#choring ??= this.#doChores().finally(() => (this.#choring = undefined))
  }

  async #doChores(): Promise<void> {
    const { deliveries, chores, now, log } = this.#options
    try {
      if (await chores.claim('reminders', CHORES_LEASE_MS)) {
        if (!this.#stopped) await deliveries.remind(now())
        if (!this.#stopped) await deliveries.prune(now() - KEEP_MS)
      }
      // The clock may have jumped over a due time while the machine slept.
      this.wake()
    } catch (error) {
      log.error({ err: error }, 'reminders could not be queued; trying again soon')
    }
  }
}

function settlementOf(answer: Answer, tries: number, now: number, random: number): Settlement {
  const next = verdict(answer, tries, now, random)
  return {
    state: next.state === 'disabled' ? 'failed' : next.state,
    due_at: next.state === 'pending' ? next.due_at : null,
    status: answer.status,
    error: answer.error,
    response: answer.body,
    disable: next.state === 'disabled' ? 'The receiver answered 410: it wants no more messages.' : null,
  }
}

function outcomeOf({ state, disable }: Settlement): Outcome {
  if (disable !== null) return 'disabled'
  return state === 'pending' ? 'retried' : state
}
