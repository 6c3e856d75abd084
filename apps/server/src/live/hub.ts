import type { GapReason, LiveRequest, PointColumns, Projects, RunEvent } from '@normwatch/protocol'
import type { StoredFinding, StoredRun } from '../storage/store.ts'
import { toFinding, toRun } from '../storage/to-wire.ts'
import { FindingWaits } from './finding-waits.ts'
import { Reader, type Peer } from './reader.ts'
import { RunChannel } from './run-channel.ts'
import { RunsFeed } from './runs-feed.ts'

/** What a reader asks for when it watches a run. */
type WatchOptions = Pick<Extract<LiveRequest, { metrics?: unknown }>, 'metrics' | 'after'>

/** Events of one request that are sent one by one. */
const MAX_EVENT_FRAMES = 20
/** Unwatched runs whose newest events are kept. */
const MAX_CHANNELS = 128

/**
 * Knows who watches what, and passes every durable change on to its readers: coalesced, at most 20 frames a second
 * each (findings are never held back), and with a `gap` instead of a queue for a slow reader.
 */
export class Hub {
  /** Requests that wait for findings. */
  readonly waits = new FindingWaits()
  readonly #now: () => number
  readonly #channels = new Map<string, RunChannel>()
  readonly #readers = new Set<Reader>()
  readonly #feed: RunsFeed
  #seq: number
  /** Events up to here may be dropped. */
  #forgotten: number

  /** `now`: milliseconds since 1970, monotonic. `seq` counts from microseconds, so that it grows across restarts. */
  constructor(now: () => number) {
    this.#now = now
    this.#seq = Math.floor(now() * 1000)
    this.#forgotten = this.#seq
    this.#feed = new RunsFeed(now)
  }

  get readers(): number {
    return this.#readers.size
  }

  points(run: string, columns: PointColumns, arrivedAt: number): void {
    this.#channel(run).push({ seq: ++this.#seq, type: 'points', columns, arrivedAt })
  }

  /** A finding of a run of this project opened or closed. */
  finding(stored: StoredFinding, project: string): void {
    const seq = ++this.#seq
    const finding = toFinding(stored)
    this.#channel(finding.run).push({ seq, type: 'finding', finding })
    this.#feed.found(finding, project, seq)
    this.waits.tell(stored)
  }

  /** Something happened in the run; readers of many at once are to fetch them. */
  events(run: string, events: readonly RunEvent[]): void {
    const channel = this.#channel(run)
    if (events.length > MAX_EVENT_FRAMES) channel.gap('slow')
    else for (const event of events) channel.push({ seq: ++this.#seq, type: 'event', event })
  }

  /** The run changed; `urgent` when a person should see it at once (health, status, a finding). */
  run(stored: StoredRun, urgent: boolean): void {
    const run = toRun(stored)
    const channel = this.#channel(run.id)
    channel.changed(run, urgent)
    this.#feed.changed(run, channel.lastSeq, urgent)
  }

  /** What readers of this run have seen is outdated: they must fetch again. */
  gap(run: string, reason: GapReason): void {
    this.#channels.get(run)?.gap(reason)
  }

  deleted({ id, project }: Pick<StoredRun, 'id' | 'project'>): void {
    this.#channels.get(id)?.gap('deleted')
    this.#channels.get(id)?.close()
    this.#channels.delete(id)
    this.#feed.deleted(id, project)
  }

  /** A new reader, which gets only runs of these projects, and nothing more of a run that leaves them. */
  join(peer: Peer, projects: Projects = 'all'): Reader {
    const reader = new Reader(peer, projects)
    this.#readers.add(reader)
    return reader
  }

  leave(reader: Reader): void {
    this.#readers.delete(reader)
    this.#feed.leave(reader)
    for (const channel of this.#channels.values()) channel.unwatch(reader)
  }

  watchRun(reader: Reader, stored: StoredRun, { metrics, after }: WatchOptions): void {
    if (this.#readers.has(reader)) this.#channel(stored.id).watch(reader, toRun(stored), metrics, after)
  }

  unwatchRun(reader: Reader, run: string): void {
    this.#channels.get(run)?.unwatch(reader)
  }

  watchRuns(reader: Reader, project: string | undefined): void {
    this.#feed.watch(reader, project)
  }

  unwatchRuns(reader: Reader, project: string | undefined): void {
    this.#feed.unwatch(reader, project)
  }

  /** Ends all timers and waits; whoever owns the sockets closes them. */
  close(): void {
    this.waits.close()
    this.#feed.close()
    for (const channel of this.#channels.values()) channel.close()
  }

  #channel(run: string): RunChannel {
    const known = this.#channels.get(run)
    const channel = known ?? new RunChannel(run, this.#forgotten, this.#now)
    if (known !== undefined) this.#channels.delete(run)
    this.#channels.set(run, channel)
    if (this.#channels.size > MAX_CHANNELS) this.#forgetOne()
    return channel
  }

  /** Drops the unwatched channel that was quiet for longest. */
  #forgetOne(): void {
    for (const [run, channel] of this.#channels) {
      if (channel.isWatched) continue
      this.#forgotten = Math.max(this.#forgotten, channel.lastSeq)
      this.#channels.delete(run)
      return
    }
  }
}
