import type { ChannelKind, Delivery, DeliveryState, EventRun, EventType, Mute } from '@normwatch/protocol'
import type { FindingKind, Projects, Severity } from '@normwatch/protocol'
import type { StoredFinding } from './store.ts'
import { UnitRefused } from './unit-refused.ts'

/** A channel as stored, with its address and secrets in clear: they must sign and send. Instants are milliseconds since 1970. */
export interface StoredChannel {
  readonly id: string
  readonly kind: ChannelKind
  readonly url: string
  readonly name: string
  readonly project: string | null
  readonly kinds: readonly FindingKind[] | null
  readonly min_severity: Severity
  readonly text: string | null
  readonly tag: string | null
  readonly remind_hours: number | null
  readonly enabled: boolean
  readonly disabled_reason: string | null
  readonly secret: string | null
  readonly old_secret: string | null
  readonly old_secret_until: number | null
  /** When the first try failed since the last success, and why the last one did. */
  readonly failing_since: number | null
  readonly failing_error: string | null
  readonly created_at: number
  readonly updated_at: number
}
export type ChannelChange = Partial<
  Omit<StoredChannel, 'id' | 'kind' | 'failing_since' | 'failing_error' | 'created_at' | 'updated_at'>
>

export class ChannelNotFound extends UnitRefused {
  override readonly name = 'ChannelNotFound'
}
export class DeliveryNotFound extends UnitRefused {
  override readonly name = 'DeliveryNotFound'
}
export class MuteNotFound extends UnitRefused {
  override readonly name = 'MuteNotFound'
}
/** The bound on channels or mutes is reached; nothing was stored. */
export class TooManyAlertRules extends UnitRefused {
  override readonly name = 'TooManyAlertRules'
}

export interface ChannelStore {
  /** Throws `TooManyAlertRules` beyond `MAX_CHANNELS`. */
  create(channel: StoredChannel): Promise<StoredChannel>
  /** Throws `ChannelNotFound`. */
  get(id: string): Promise<StoredChannel>
  /** All of them, the oldest first. */
  list(): Promise<StoredChannel[]>
  /** A channel that is disabled fails its pending deliveries; one that is enabled is no longer failing. Throws `ChannelNotFound`. */
  update(id: string, change: ChannelChange, now: number): Promise<StoredChannel>
  /** Removes the channel and its deliveries. Throws `ChannelNotFound`. */
  delete(id: string): Promise<void>
}

/** A mute as stored. Instants are milliseconds since 1970. */
export interface StoredMute extends Omit<Mute, 'until' | 'created_at'> {
  readonly until: number
  readonly created_at: number
}

export interface MuteStore {
  /** Holds openings of what it names from now on. Throws `TooManyAlertRules` beyond `MAX_MUTES`. */
  create(mute: StoredMute): Promise<StoredMute>
  /** Those in force at `now`, the first to end first. */
  list(now: number): Promise<StoredMute[]>
  /** Ends the mute: what it holds is due at `now`. Throws `MuteNotFound`. */
  delete(id: string, now: number): Promise<void>
}

/** An opened finding's way to one channel. `mute`: it waits for the end of this mute. */
interface Route {
  readonly channel: string
  /** Milliseconds since 1970. */
  readonly due_at: number
  readonly mute: string | null
}
/** What a message tells of a run; its address is added when the message is made. */
export type RunFacts = Omit<EventRun, 'url'>

/** Decides which channels are notified of a finding. Given to an engine when it is opened; pure. */
export interface AlertRules {
  readonly routes: (
    finding: StoredFinding,
    run: RunFacts & { readonly tags: string[] },
    channels: readonly StoredChannel[],
    mutes: readonly StoredMute[],
    now: number,
  ) => readonly Route[]
  /** When a closing or a reminder that happens at `now` is due. */
  readonly dueAt: (now: number) => number
}

/** What an engine is opened with, so that it can queue deliveries by itself. */
export interface AlertOptions {
  readonly rules: AlertRules
  /** Milliseconds since 1970. Default: the store's own clock. */
  readonly now?: () => number
}
/** No finding causes any delivery. */
export const NO_ALERTS: AlertOptions = { rules: { routes: () => [], dueAt: (now) => now }, now: () => 0 }

/** A finding opened or closed, with the finding as it was then. */
export interface QueuedEvent {
  readonly type: EventType
  readonly at: number
  readonly finding: StoredFinding
  readonly run: RunFacts
}

export interface ClaimOptions {
  readonly now: number
  readonly leaseMs: number
  readonly limit: number
  /** Channels that get nothing this time. */
  readonly except: readonly string[]
}

export interface ClaimedDelivery {
  readonly id: string
  /** Names this claim: another one may follow when its lease has ended. */
  readonly claim: string
  readonly channel: StoredChannel
  /** This try included. */
  readonly tries: number
  /** In the order they happened; at most `MAX_EVENTS_PER_MESSAGE`. The same on every try. */
  readonly events: readonly QueuedEvent[]
}

/** A delivery as stored. Instants are milliseconds since 1970. */
export interface StoredDelivery extends Omit<Delivery, 'created_at' | 'next_try_at' | 'last_try_at'> {
  readonly created_at: number
  readonly next_try_at: number | null
  readonly last_try_at: number | null
}

/** The result of one attempt. */
export interface Settlement {
  readonly state: DeliveryState
  /** Of the next try, where the delivery stays pending. */
  readonly due_at: number | null
  readonly status: number | null
  readonly error: string | null
  readonly response: string | null
  /** Why the channel is to be disabled; `null` leaves it as it is. */
  readonly disable: string | null
}

export interface DeliveryQuery {
  readonly channel?: string | undefined
  readonly run?: string | undefined
  readonly finding?: string | undefined
  /**
   * Only deliveries that concern runs of these projects, with the events of those runs alone, and without the receiver's
   * answer, which may speak of others; left out: all of all.
   */
  readonly projects?: Projects | undefined
  readonly state?: DeliveryState | undefined
  readonly limit: number
  /** From the page before; a malformed one throws `BadCursor`. */
  readonly cursor?: string | undefined
}

/**
 * The outbox. The unit that opens or closes a finding also queues its deliveries: an opening goes where
 * `AlertRules.routes` says, a closing where the opening went. Events of a channel that are due together share a
 * delivery; an opening whose closing comes before it is due is taken back, and nothing is sent of either.
 */
export interface DeliveryStore {
  /** Calls `listener` when deliveries are queued or come due early; a claim made from then on sees them. Returns its undo. */
  onQueued(listener: () => void): () => void
  /**
   * Takes due deliveries for one try each, the longest due first, at most one a channel, none of the channels in
   * `except`. No other call returns them before `leaseMs` have passed. A closing waits until the delivery of its
   * opening is sent or has failed.
   */
  claim(options: ClaimOptions): Promise<ClaimedDelivery[]>
  /**
   * Records the result of a claimed delivery's attempt, also in its channel. Does nothing if the delivery was removed, or
   * claimed or sent again since this claim. Says whether it was recorded.
   */
  settle(
    claimed: Pick<ClaimedDelivery, 'id' | 'claim'>,
    settlement: Settlement,
    now: number,
  ): Promise<boolean>
  /** The first moment after `now` at which a delivery becomes due or its lease ends; `null` if nothing is pending. */
  nextDue(now: number): Promise<number | null>
  /**
   * After the clock was set back to `now`: pending deliveries that were queued or tried later than `now` wait for as long
   * as they would have, from `now` on; but for those that a mute or another delivery holds.
   */
  restartWaits(now: number): Promise<void>
  /** Queues a reminder for each finding that has been open for its channel's `remind_hours`: once, also where several servers call this. */
  remind(now: number): Promise<void>
  /** Newest first. */
  list(
    query: DeliveryQuery,
    now: number,
  ): Promise<{ deliveries: StoredDelivery[]; next_cursor: string | null }>
  /** Throws `DeliveryNotFound`. */
  get(id: string, now: number): Promise<StoredDelivery>
  /** Makes it due now with all tries before it, under the same id. Throws `DeliveryNotFound`. */
  redeliver(id: string, now: number): Promise<StoredDelivery>
  /** Deliveries that are due and not sent, and since when the oldest of them is. */
  queue(now: number): Promise<{ due: number; oldest_due_at: number | null }>
  /** Deletes sent and failed deliveries made before this moment, except those of open findings; a limited number per call. */
  prune(before: number): Promise<void>
}
