import type { LossSums, OrderedNorms } from '@normwatch/detector'
import type {
  Finding,
  Health,
  PointColumns,
  Projects,
  Run,
  RunFields,
  RunPatch,
  RunStatus,
  SeriesReply,
} from '@normwatch/protocol'
import type { ChannelStore, DeliveryStore, MuteStore } from './alert-store.ts'
import type { ChoreStore } from './chore-store.ts'
import type { AuditStore } from './audit-store.ts'
import type { EventStore } from './event-store.ts'
import type { LimitStore } from './limit-store.ts'
import type { SettingsStore } from './settings-store.ts'
import type { SharedChanges } from './shared-changes.ts'
import type { TokenStore } from './token-store.ts'
import { UnitRefused } from './unit-refused.ts'

/**
 * Everything the service keeps, in the product's own verbs. One engine stands behind it at a time.
 *
 * Each method is one atomic unit: it happens whole or not at all, and no transaction crosses this interface. When the promise
 * of a change resolves, the change is *durable*: it survives `kill -9` and a power cut. Methods throw only the errors
 * named here and `StoreUnavailable`. Steps are whole numbers from 0 to 2^53 - 1; instants (`now`, `arrivedAt`) are
 * milliseconds since 1970; a point's `time` is Unix seconds.
 */
export interface Store {
  readonly runs: RunStore
  readonly points: PointStore
  readonly findings: FindingStore
  readonly events: EventStore
  readonly settings: SettingsStore
  readonly channels: ChannelStore
  readonly mutes: MuteStore
  readonly deliveries: DeliveryStore
  readonly tokens: TokenStore
  readonly chores: ChoreStore
  readonly audit: AuditStore
  /** What other servers have changed; only where several may share the data. */
  readonly changes?: SharedChanges
  readonly limits: LimitStore

  /** Milliseconds since 1970, by the clock that all servers of the data share. */
  readonly now: () => number
  /** How many migrations the data has had: all that this program knows. */
  readonly migrations: number
  /** Proves that the store can be written now. Rejects with `StoreUnavailable` and a sentence when it cannot. */
  check(): Promise<void>
  /** Waits for accepted work to become durable and releases the data. Later calls reject. */
  close(): Promise<void>
}

/** The store cannot be read or written now (disk full, read-only, locked, corrupt); `message` says why, in one sentence. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
}
/** Other servers were first each time that a unit was tried, for too long. */
export const keptChanging = (cause: unknown): StoreUnavailable =>
  new StoreUnavailable('Other servers keep changing this run: try again.', { cause })
/** No run has this id. */
export class RunNotFound extends UnitRefused {
  override readonly name = 'RunNotFound'
  readonly run: string
  constructor(run: string) {
    super(`There is no run "${run}".`)
    this.run = run
  }
}
/** No finding has this id, or its run is gone. */
export class FindingNotFound extends Error {
  override readonly name = 'FindingNotFound'
}
/** The run has no part of this name. */
export class PartNotFound extends Error {
  override readonly name = 'PartNotFound'
  constructor(run: string, part: string) {
    super(`The run "${run}" has no part "${part}".`)
  }
}
/**
 * The run has changed since the version that a judgement is based on; nothing of the unit was stored. The caller reads
 * the run, judges again and retries.
 */
export class VersionConflict extends UnitRefused {
  override readonly name = 'VersionConflict'
  constructor(run: string, folded: number, stored: number) {
    super(`The run "${run}" is at version ${stored}; the judgement is based on version ${folded}.`)
  }
}
/** A batch would take a run over a bound on metrics or layers; nothing of it was stored. */
export class TooManyMetrics extends UnitRefused {
  override readonly name = 'TooManyMetrics'
}

/** The judgement of a run, stored with the run: the fields of `Run` that the detector decides. */
export interface Judgement {
  readonly health: Health
  readonly conditions: Run['conditions']
  /** `rate_total` is the store's own to count. */
  readonly clipping: Omit<Run['clipping'], 'rate_total'>
  /** The same of each part that was judged. */
  readonly parts: readonly (Pick<Judgement, 'health' | 'clipping'> & { readonly name: string })[]
}

/** A judgement of one version of a run. */
export interface Judged {
  /** The run's `version` that this is based on; the unit is refused with `VersionConflict` if the run has changed since. */
  readonly version: number
  readonly judgement: Judgement
  readonly changes: readonly FindingChange[]
  /**
   * The detector's state after this unit, as JSON text. Left out where the one given before still serves: the store then
   * gives back the batches accepted since, see `detection`. `STATE_AFTER` says when one is due.
   */
  readonly state?: string | undefined
}

/** How much may gather after the last state given before the next append should carry one. */
export const STATE_AFTER = { batches: 1024, points: 4096, readings: 32 * 1024 } as const

/** What the record shows around the beginning of a finding, looked up after it opened. */
export type Explanation = Pick<Finding, 'moved' | 'events' | 'layers' | 'sibling'> & {
  /** The diagnosis with these results; left out if they change nothing. */
  readonly diagnosis?: Finding['diagnosis']
}

export const NOTHING_FOUND: Explanation = { moved: [], events: [], layers: [], sibling: null }

/** A finding as stored. Instants are milliseconds since 1970. */
export interface StoredFinding extends Omit<Finding, 'opened_at' | 'closed_at'> {
  readonly opened_at: number
  readonly closed_at: number | null
  /** Whether the record around its beginning has been looked at: before that, it has an empty explanation. */
  readonly explained: boolean
}

/** A finding that opened, or the closing of one that is open. */
export type FindingChange =
  | { readonly type: 'opened'; readonly finding: StoredFinding }
  | {
      readonly type: 'closed'
      readonly id: string
      readonly closed_step: number | null
      readonly closed_at: number
      readonly close_reason: NonNullable<Finding['close_reason']>
    }

/** The run as stored, with fields that only the server needs. Instants are milliseconds since 1970. */
export interface StoredRun extends Omit<Run, 'created_at' | 'updated_at' | 'ended_at'> {
  readonly created_at: number
  readonly updated_at: number
  readonly ended_at: number | null
  /** When points last arrived; the time of creation if none did. */
  readonly last_arrival: number
  /** Given by the store, one higher with every unit that changes the run: the fence of `Judged`. */
  readonly version: number
}

/** A run of a list: its `config` is there only where it was asked for. */
export type ListedRun = Omit<StoredRun, 'config'> & Partial<Pick<StoredRun, 'config'>>

export interface RunQuery {
  /** Whether the runs carry their `config`. */
  readonly withConfig?: boolean | undefined
  readonly project?: string | undefined
  /** Only runs of these projects; left out: of all. */
  readonly projects?: Projects | undefined
  readonly status?: RunStatus | undefined
  readonly health?: Health | undefined
  /** Text that the id, the name, the project or a tag contains, letter case ignored. */
  readonly q?: string | undefined
  readonly tag?: string | undefined
  /** `attention` (default): flagged, watch, then running, then the rest, each newest first; or one field, newest first (`name`: A to Z). */
  readonly sort?: 'attention' | 'updated' | 'created' | 'name' | undefined
  readonly limit: number
  /** From the page before; a malformed one throws `BadCursor`. */
  readonly cursor?: string | undefined
}
/** The cursor was not given out by this list in this order. */
export class BadCursor extends Error {
  override readonly name = 'BadCursor'
}

export interface RunStore {
  /** Creates the run, or updates the fields given of the one that has this id. An edited cap recounts what was over it. */
  put(id: string, fields: RunFields, now: number): Promise<{ run: StoredRun; created: boolean }>
  /**
   * Changes fields, the status (`ended_at` follows it) and, with `truncate_after`, drops every point after that step.
   * `base` names the version that the change is based on, with what judging the end of the run came to where the status
   * ends it. Throws `RunNotFound`, `VersionConflict`.
   */
  patch(id: string, patch: RunPatch, now: number, base?: Judged | Pick<Judged, 'version'>): Promise<StoredRun>
  /** Removes the run and all its data: it is gone for every reader when this resolves; the space follows later. Throws `RunNotFound`. */
  delete(id: string): Promise<void>
  /** Throws `RunNotFound`. */
  get(id: string): Promise<StoredRun>
  list(query: RunQuery): Promise<{ runs: ListedRun[]; next_cursor: string | null }>
  /**
   * Removes the project's runs that have been silent since before `before` (milliseconds since 1970), at most `limit` of them.
   * Resolves with the ids removed.
   */
  expire(query: {
    readonly before: number
    readonly project: string
    readonly limit: number
  }): Promise<string[]>
  /** Ids of the runs whose last arrival was noted later than `now`, by a clock that was ahead. */
  arrivedAfter(now: number): Promise<string[]>
  /** A page of the runs whose status is `running`, the newest first. See `runningRuns`. */
  running(page: {
    readonly limit: number
    readonly cursor?: string | undefined
  }): Promise<{ runs: RunningRun[]; next_cursor: string | null }>
  /** Names of all projects, A to Z. */
  projects(): Promise<string[]>
  /** How much each project holds, A to Z; it reads the row of every run. */
  totals(): Promise<ProjectTotals[]>
  /** Bytes of the points of each project, as stored; it reads the sizes of all blobs. */
  sizes(): Promise<ReadonlyMap<string, number>>
}

/** What the silence watch looks at. */
export type RunningRun = Pick<StoredRun, 'id' | 'last_arrival' | 'conditions'>

export interface ProjectTotals {
  readonly project: string
  readonly runs: number
  /** Metrics and layers of all its runs. */
  readonly series: number
  /** Distinct steps of all its runs. */
  readonly points: number
  /** When points last arrived, or the newest run without points was created; milliseconds since 1970. */
  readonly last_arrival: number
}

/** One accepted batch with its judgement, stored as one unit. */
export interface Append extends Judged {
  /** Parts that the run does not have yet and that this batch makes, of mode none. */
  readonly newParts?: readonly string[] | undefined
  readonly run: string
  readonly columns: PointColumns
  /** Stands in for `time` where a new step has none; a repeated step without a time keeps the time it had. */
  readonly arrivedAt: number
}

/** Where judging resumes after a restart: a saved state and, in order of arrival, the batches accepted since it was saved. */
export interface SavedDetection {
  /** The run as it is at this version. */
  readonly run: StoredRun
  /**
   * The record was cut, or what it is judged by was changed (cap, optimizer), and it has not been judged again since: `state` is `undefined`, `since` is empty, and judging
   * must start at the first point of the record, followed by `rejudge`.
   */
  readonly stale: boolean
  /** `undefined`: no state was saved yet. */
  readonly state: string | undefined
  readonly since: readonly { readonly columns: PointColumns; readonly arrivedAt: number }[]
}

export interface SeriesQuery {
  readonly run: string
  readonly metrics: readonly string[]
  /** Steps, both inclusive. */
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Unix seconds, both inclusive: the range is then that of the steps logged in this time, 0 to -1 without one. Not with `from` or `to`. */
  readonly fromTime?: number | undefined
  readonly toTime?: number | undefined
  readonly maxPoints: number
}

/** The steps of a run that have certain readings. */
export interface Extent {
  readonly points: number
  /** `undefined` without one. */
  readonly first: StepAndTime | undefined
  readonly last: StepAndTime | undefined
}

export interface StepAndTime {
  readonly step: number
  /** Unix seconds. */
  readonly time: number
}

export interface PointStore {
  /**
   * Stores a batch. A step sent again replaces the readings given and leaves the others; steps may arrive in any order.
   * Resolves when durable, with the run as it then is. Several appends may share one commit. Throws `RunNotFound`,
   * `TooManyMetrics`, `VersionConflict`; when it throws, nothing of the batch is stored.
   */
  append(batch: Append): Promise<StoredRun>
  /** Where to take up judging this run. Throws `RunNotFound`. */
  detection(run: string): Promise<SavedDetection>
  /**
   * Puts a run's judgement in place of the old one after its record was judged again, with the finding changes it brought.
   * Channels are not notified of a finding that opens and closes in this call: it is already over. Throws `RunNotFound`, `VersionConflict`.
   */
  rejudge(run: string, judged: Judged): Promise<StoredRun>
  /**
   * Metrics in at most `maxPoints` buckets each: points as they are where they fit (`bucket` 1), else buckets of a power
   * of two steps aligned to step 0, the smallest that fits. A metric the run lacks is an empty series. Throws `RunNotFound`.
   */
  series(query: SeriesQuery): Promise<SeriesReply>
  /**
   * Raw readings in step order, in blocks of bounded size; the steps from `from` to `to`, both inclusive, that have a
   * reading of any of `metrics` (default: all metrics of the run). Throws `RunNotFound`.
   */
  read(
    run: string,
    range: { from?: number | undefined; to?: number | undefined; metrics?: readonly string[] | undefined },
  ): AsyncIterable<PointColumns>
  /**
   * The readings of one metric from step `from` to step `to`, both inclusive, in step order and without their steps, in
   * blocks of bounded size. Throws `RunNotFound`.
   */
  readings(
    run: string,
    metric: string,
    range: { from?: number | undefined; to?: number | undefined },
  ): AsyncIterable<Float32Array | Float64Array>
  /**
   * The same for norms of a gradient in no order. Of long runs, many of them may come in ascending order and packed,
   * which takes a fraction of the time. Throws `RunNotFound`.
   */
  norms(
    run: string,
    metric: string,
    range: { from?: number | undefined; to?: number | undefined },
  ): AsyncIterable<Float32Array | Float64Array | OrderedNorms>
  /**
   * All readings of a loss in step order, in blocks. Of long runs, many of them may come summed up, with the step from which
   * on they are. Throws `RunNotFound`.
   */
  losses(
    run: string,
    metric: string,
  ): AsyncIterable<Float32Array | Float64Array | { readonly start: number; readonly sums: LossSums }>
  /** How many steps have a reading of at least one of these metrics, and which are the first and the last. Throws `RunNotFound`. */
  extent(run: string, metrics: readonly string[]): Promise<Extent>
  /** Names of the run's metrics, layers included (`layers/…`), A to Z. Throws `RunNotFound`. */
  metrics(run: string): Promise<string[]>
}

export interface FindingQuery {
  readonly run?: string | undefined
  readonly project?: string | undefined
  /** Only findings of runs of these projects; left out: of all. */
  readonly projects?: Projects | undefined
  /** Only findings that were entered after the one with this id; an unknown one throws `FindingNotFound`. */
  readonly since?: string | undefined
  readonly kind?: Finding['kind'] | undefined
  readonly state?: Finding['state'] | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface FindingStore {
  /** Newest first. */
  list(query: FindingQuery): Promise<{ findings: StoredFinding[]; next_cursor: string | null }>
  /** How many findings of this kind a run has had, or a part of it (`null`: those of no part). */
  count(of: Pick<StoredFinding, 'run' | 'kind' | 'part'>): Promise<number>
  /** One finding; `undefined` if it does not exist. */
  get(id: string): Promise<StoredFinding | undefined>
  /**
   * Findings without an explanation, the longest known first: of each run the newest `perRun`, so that a run that opens
   * thousands does not keep all others waiting. Its older ones are returned once these are explained.
   */
  unexplained(perRun: number): Promise<StoredFinding[]>
  /** Stores a finding's explanation. Resolves with the updated finding; `undefined` if it was removed. */
  explain(id: string, explanation: Explanation): Promise<StoredFinding | undefined>
  /**
   * Records changes that no batch brought: a run that fell silent, or findings of the past. Channels are not notified of a
   * finding that opens and closes in this call. Throws `RunNotFound`, `VersionConflict`.
   */
  record(run: string, judged: Judged): Promise<StoredRun>
}
