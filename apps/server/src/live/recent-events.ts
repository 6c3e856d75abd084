import type { Finding, PointColumns, RunEvent } from '@normwatch/protocol'
import type { NumberTexts } from './number-texts.ts'

/** Bytes of events kept of one run for readers that come back. */
const MAX_BYTES = 128 * 1024
/** Bytes of events that may wait to be sent. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024
/** Approximate bytes of an event besides its readings. */
const BYTES_AN_EVENT = 400

/** Something that happened to a run; `seq` grows over all runs. */
export type LiveEvent =
  | {
      readonly seq: number
      readonly type: 'points'
      readonly columns: PointColumns
      readonly arrivedAt: number
      readonly texts?: NumberTexts | undefined
    }
  | { readonly seq: number; readonly type: 'finding'; readonly finding: Finding }
  | { readonly seq: number; readonly type: 'event'; readonly event: RunEvent }

/** The newest events of one run, within a bound, for readers that were briefly disconnected. */
export class RecentEvents {
  readonly #events: LiveEvent[] = []
  #bytes = 0
  #completeSince: number
  #last: number
  #lastFinding = -Infinity

  /** `since`: all events after this number are kept. */
  constructor(since: number) {
    this.#completeSince = since
    this.#last = since
  }

  /** The number of the newest event. */
  get last(): number {
    return this.#last
  }

  /** The number of the newest finding. */
  get lastFinding(): number {
    return this.#lastFinding
  }

  push(event: LiveEvent): void {
    if (event.type === 'finding') this.#lastFinding = event.seq
    this.#events.push(event)
    this.#last = event.seq
    this.#bytes += bytesOf(event)
    this.#shrink(MAX_WAITING_BYTES)
  }

  /** Up to here nothing else happened. */
  advance(seq: number): void {
    this.#last = Math.max(this.#last, seq)
  }

  /** Adds the events behind `since`: all of them, up to those that are kept. */
  prepend(since: number, events: readonly LiveEvent[]): void {
    const older = events.filter(({ seq }) => seq <= this.#completeSince)
    this.#events.unshift(...older)
    this.#bytes += older.reduce((sum, event) => sum + bytesOf(event), 0)
    this.#completeSince = Math.min(this.#completeSince, since)
  }

  /** All readers have these events: keeps only the newest ones. */
  trim(): void {
    this.#shrink(MAX_BYTES)
  }

  /**
   * All events after `seq`, oldest first, or `undefined` if some of them were dropped. A number in the future comes from
   * before a restart after which the clock was set back: the events after it are unknown.
   */
  after(seq: number): readonly LiveEvent[] | undefined {
    if (seq < this.#completeSince || seq > this.#last) return undefined
    let first = this.#events.length
    while (first > 0 && (this.#events[first - 1] as LiveEvent).seq > seq) first--
    return this.#events.slice(first)
  }

  #shrink(bytes: number): void {
    while (this.#bytes > bytes && this.#events.length > 1) {
      const oldest = this.#events.shift() as LiveEvent
      this.#bytes -= bytesOf(oldest)
      this.#completeSince = oldest.seq
    }
  }
}

function bytesOf(event: LiveEvent): number {
  if (event.type === 'finding') return BYTES_AN_EVENT * 5
  if (event.type === 'event') return BYTES_AN_EVENT + 2 * (event.event.text?.length ?? 0)
  const { step, metrics } = event.columns
  let bytes = BYTES_AN_EVENT + step.length * 8 * (2 + metrics.size)
  for (const text of event.texts?.values() ?? []) bytes += text.length
  return bytes
}
