import type { GapReason, LiveRequest, PointColumns, Projects, RunEvent } from '@normwatch/protocol'
import type { ListedChanges, RunChange, RunChanges, SharedChanges } from '../storage/shared-changes.ts'
import { RunNotFound, type StoredFinding, type StoredRun } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'
import { FindingWaits } from './finding-waits.ts'
import type { NumberTexts } from './number-texts.ts'
import { Follower, type Followed } from './follower.ts'
import type { LiveEvent } from './recent-events.ts'
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
export class Hub implements Followed {
  /** Requests that wait for findings. */
  readonly waits = new FindingWaits(() => this.#follower?.wake())
  readonly #now: () => number
  readonly #changes: SharedChanges | undefined
  readonly #follower: Follower | undefined
  readonly #channels = new Map<string, RunChannel>()
  readonly #readers = new Set<Reader>()
  readonly #feed: RunsFeed
  #seq: number
  /** Events up to here may be dropped. */
  #forgotten: number

  /**
   * `now`: milliseconds since 1970, monotonic. `seq` counts from microseconds, so that it grows across restarts; where
   * several servers share the data, their `changes` are followed, and `seq` is the version of the run.
   */
  constructor(now: () => number, changes?: SharedChanges) {
    this.#now = now
    this.#changes = changes
    this.#follower = changes && new Follower(changes, this)
    this.#seq = Math.floor(now() * 1000)
    this.#forgotten = this.#seq
    this.#feed = new RunsFeed(now)
  }

  get readers(): number {
    return this.#readers.size
  }

  /** Whether frames of this run's points are to be made here. */
  isWatched(run: string): boolean {
    return this.#follower === undefined && this.#channels.get(run)?.isWatched === true
  }

  points(run: string, columns: PointColumns, arrivedAt: number, texts?: NumberTexts): void {
    if (this.#follower !== undefined) return this.#follower.changed(run)
    this.#channel(run).push({ seq: ++this.#seq, type: 'points', columns, arrivedAt, texts })
  }

  /** A finding of a run of this project opened or closed. */
  finding(stored: StoredFinding, project: string): void {
    if (this.#follower !== undefined) return this.#follower.changed(stored.run)
    const seq = ++this.#seq
    const finding = toFinding(stored)
    this.#channel(finding.run).push({ seq, type: 'finding', finding })
    this.#feed.found(finding, project, seq)
    this.waits.tell(stored)
  }

  /** Something happened in the run; readers of many at once are to fetch them. */
  events(run: string, events: readonly RunEvent[]): void {
    if (this.#follower !== undefined) return this.#follower.changed(run)
    if (events.length > MAX_EVENT_FRAMES) return this.#outdate(run, 'slow')
    const channel = this.#channel(run)
    for (const event of events) channel.push({ seq: ++this.#seq, type: 'event', event })
  }

  /** The run changed; `urgent` when a person should see it at once (health, status, a finding). */
  run(stored: StoredRun, urgent: boolean): void {
    if (this.#follower !== undefined) return this.#follower.changed(stored.id)
    const channel = this.#channel(stored.id)
    channel.changed(stored, urgent)
    this.#feed.changed(stored, channel.lastSeq, urgent)
  }

  /** What readers of this run have seen is outdated: they must fetch again. */
  gap(run: string, reason: GapReason): void {
    if (this.#follower === undefined) return this.#outdate(run, reason)
    // the follower tells of a new judgement, in its place among the changes
    if (reason !== 'judged_again') this.#channels.get(run)?.gap(reason)
  }

  /** Readers must fetch the run again, and so must those that come back later with what they saw before. */
  #outdate(run: string, reason: GapReason): void {
    const seq = ++this.#seq
    const channel = this.#channels.get(run)
    if (channel === undefined) {
      this.#forgotten = seq
      return
    }
    channel.gap(reason)
    channel.restart(seq, [], seq)
  }

  deleted({ id, project }: Pick<StoredRun, 'id' | 'project'>): void {
    // what is known of this run says nothing about another of the same id
    if (this.#follower === undefined) this.#forgotten = ++this.#seq
    this.gone(id, this.#follower === undefined ? project : undefined)
    this.#follower?.wake()
  }

  gone(id: string, project?: string): void {
    this.#channels.get(id)?.gap('deleted')
    this.#channels.get(id)?.close()
    this.#channels.delete(id)
    if (project !== undefined) this.#feed.deleted(id, project)
  }

  watched(): ReadonlyMap<string, number> {
    const watched = [...this.#channels].filter(([, { isWatched }]) => isWatched)
    return new Map(watched.map(([id, { lastSeq }]) => [id, lastSeq]))
  }

  get isListWatched(): boolean {
    return this.#feed.isWatched || this.waits.size > 0
  }

  take({ run: stored, changes, gap }: RunChanges, after: number): void {
    const channel = this.#channels.get(stored.id)
    if (channel?.lastSeq !== after) return
    const { latest } = channel
    const isUrgent = latest?.status !== stored.status || latest.health !== stored.health
    const events = changes.map(toEvent)
    const { version } = stored
    const areMany = events.filter(({ type }) => type === 'event').length > MAX_EVENT_FRAMES
    const reason = gap ?? (areMany ? 'slow' : undefined)
    const hasFinding = events.some(({ type }) => type === 'finding')
    if (reason === undefined) for (const event of events) channel.push(event)
    else {
      // readers fetch the record; what is known of it besides is told in one piece
      channel.gap(reason)
      channel.restart(version - 1, [], version - 1)
      for (const event of events) if (event.type !== 'event') channel.push({ ...event, seq: version })
    }
    channel.advance(version)
    channel.changed(stored, isUrgent || hasFinding)
  }

  takeListed({ run, findings }: ListedChanges, isUrgent: boolean): void {
    this.#feed.changed(run, run.version, isUrgent)
    for (const finding of findings) {
      this.#feed.found(toFinding(finding), run.project, run.version)
      this.waits.tell(finding)
    }
  }

  listFollowed(): void {
    this.waits.tellAll()
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

  /** Where several servers share the data: once what the reader has missed is known. Throws `RunNotFound`. */
  watchRun(reader: Reader, stored: StoredRun, options: WatchOptions): void | Promise<void> {
    if (this.#changes !== undefined) return this.#watchShared(this.#changes, reader, stored.id, options)
    if (!this.#readers.has(reader)) return
    this.#channel(stored.id).watch(reader, stored, options.metrics, options.after)
  }

  async #watchShared(
    changes: SharedChanges,
    reader: Reader,
    id: string,
    { metrics, after }: WatchOptions,
  ): Promise<void> {
    const known = this.#channels.get(id)
    const from = after === undefined || (known?.isWatched === true && known.knows(after)) ? Infinity : after
    const found = await changes.of(id, from)
    if (found === undefined) throw new RunNotFound(id)
    if (!this.#readers.has(reader)) return
    const { version } = found.run
    const isAll = from < version && found.gap === undefined
    const channel = this.#channel(id)
    if (!channel.isWatched) {
      channel.restart(isAll ? from : version, isAll ? found.changes.map(toEvent) : [], version)
    } else if (isAll && !channel.knows(from)) channel.prepend(from, found.changes.map(toEvent))
    channel.watch(reader, found.run, metrics, after)
    this.#follower?.wake()
  }

  unwatchRun(reader: Reader, run: string): void {
    this.#channels.get(run)?.unwatch(reader)
  }

  watchRuns(reader: Reader, project: string | undefined): void {
    this.#feed.watch(reader, project)
    this.#follower?.wake()
  }

  unwatchRuns(reader: Reader, project: string | undefined): void {
    this.#feed.unwatch(reader, project)
  }

  /** Ends all timers and waits; whoever owns the sockets closes them. */
  close(): void {
    this.waits.close()
    this.#follower?.close()
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

function toEvent(change: RunChange): LiveEvent {
  return change.type === 'finding' ? { ...change, finding: toFinding(change.finding) } : change
}
