import { setTimeout as pause } from 'node:timers/promises'
import { openLeaves } from '../run/leaves.ts'
import { openMetricNames } from '../run/metric-names.ts'
import { DamagedPoints, DataDamaged } from '../run/damage.ts'
import { RunCache } from '../run/run-cache.ts'
import type { RunTables, RunUnits } from '../run/run-tables.ts'
import { NO_STRETCHES } from '../run/stretches.ts'
import { openSummaries } from '../run/summaries.ts'
import { openTail } from '../run/tail.ts'
import { keptChanging, StoreUnavailable, type FindingChange, type StoredRun } from '../store.ts'
import type { Database, Statements, Value } from './database.ts'
import { Overtaken } from './errors.ts'
import { FetchedRun } from './fetched-run.ts'
import { Missing, type Fetch } from './missing.ts'
import { firstVersion, load } from './load-run.ts'
import type { UnitGroups } from './unit-groups.ts'
import { writeUnit } from './write-unit.ts'
import { UnitRefused } from '../unit-refused.ts'

/** Most runs kept in memory, and most bytes of what was fetched of them. */
const MAX_RUNS = 512
const MAX_BYTES = 64 * 1024 * 1024
/** Blobs that one run may keep between two units. */
const MAX_BYTES_A_RUN = 1024 * 1024
/** Units of one run in one transaction. */
const MAX_UNITS = 512
/** How long a unit starts over because other servers were first. */
const GIVE_UP_MS = 5_000
/** Most milliseconds until it starts over; the first time it does so at once. */
const MAX_PAUSE_MS = 40
/** Fetches that one unit may need; more means a bug. */
const MAX_FETCHES = 100_000

/** Findings that a unit opened or closed, and those that channels are notified of. */
export interface RecordedChanges {
  readonly changes: readonly FindingChange[]
  readonly told: readonly FindingChange[]
  readonly run: StoredRun
}

/** Queues notifications of an opened or closed finding, in the transaction that stores it. */
export type TellChannels = (on: Statements, recorded: RecordedChanges) => Promise<void>

interface Unit {
  readonly work: (tables: RunTables, cache: RunCache) => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** A run in memory: its rows as fetched, and the cache that units work on. Both are dropped when a unit is undone. */
interface Space {
  readonly rows: FetchedRun
  readonly tables: RunTables
  readonly cache: RunCache
  readonly recorded: RecordedChanges[]
}

interface Hosted {
  space: Space | undefined
  readonly writes: Unit[]
  readonly reads: Unit[]
  isAtWork: boolean
}

export interface RunUnitsOptions {
  readonly db: Database
  readonly groups: UnitGroups
  readonly tell: TellChannels
  /** Called after the commit of a transaction that queued notifications. */
  readonly onTold: () => void
}

/**
 * Runs units on runs: those of one run one after the other, those that wait together in one transaction, and those of
 * different runs beside each other. A unit works on rows that were fetched; where it needs more, it is undone, they are
 * fetched, and it starts over. Its changes are written only if the run still has the version that was loaded.
 */
export class PostgresUnits implements RunUnits {
  readonly #options: RunUnitsOptions
  /** By id, the least recently used first. */
  readonly #runs = new Map<string, Hosted>()
  readonly #watchers = new Map<string, Set<(start: number | undefined) => void>>()
  #bytes = 0
  #isClosed = false
  #damage: DataDamaged | undefined

  constructor(options: RunUnitsOptions) {
    this.#options = options
  }

  /** The first damage in the data that a unit found. */
  get damage(): DataDamaged | undefined {
    return this.#damage
  }

  write<T>(id: string, work: (tables: RunTables, cache: RunCache) => T): Promise<T> {
    return this.#enqueue(id, 'writes', work)
  }

  read<T>(id: string, work: (tables: RunTables, cache: RunCache) => T): Promise<T> {
    return this.#enqueue(id, 'reads', work)
  }

  watchLeaves(id: string, watcher: (start: number | undefined) => void): () => void {
    const watchers = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, watchers.add(watcher))
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0) this.#watchers.delete(id)
    }
  }

  /** The database does both itself. */
  makeRoom(): void {}
  reclaim(): void {}

  /** The run was removed, or changed without a unit. */
  forget(id: string): void {
    const hosted = this.#runs.get(id)
    if (hosted !== undefined) this.#drop(hosted)
    this.#tell(id, undefined)
  }

  #enqueue<T>(
    id: string,
    queue: 'writes' | 'reads',
    work: (tables: RunTables, cache: RunCache) => T,
  ): Promise<T> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailable('The store is closed.'))
    return new Promise<T>((resolve, reject) => {
      const hosted = this.#host(id)
      hosted[queue].push({ work, resolve: resolve as (value: unknown) => void, reject })
      if (!hosted.isAtWork) hosted.isAtWork = this.#track(this.#work(id, hosted))
    })
  }

  readonly #working = new Set<Promise<void>>()
  #track(work: Promise<void>): true {
    this.#working.add(work)
    void work.finally(() => this.#working.delete(work))
    return true
  }

  /** Waits for the units that have arrived; later ones are rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#working)
  }

  #host(id: string): Hosted {
    const hosted = this.#runs.get(id) ?? { space: undefined, writes: [], reads: [], isAtWork: false }
    this.#runs.delete(id)
    this.#runs.set(id, hosted)
    return hosted
  }

  async #work(id: string, hosted: Hosted): Promise<void> {
    // what arrives in the same turn goes together
    await Promise.resolve()
    while (hosted.writes.length + hosted.reads.length > 0) {
      const reads = hosted.reads.splice(0)
      if (reads.length > 0) await this.#read(id, hosted, reads)
      const writes = hosted.writes.splice(0, MAX_UNITS)
      if (writes.length > 0) await this.#write(id, hosted, writes)
    }
    hosted.isAtWork = false
    // a run may be created without a unit
    if (hosted.space?.rows.row === undefined) this.#drop(hosted)
    this.#trim()
  }

  async #read(id: string, hosted: Hosted, units: readonly Unit[]): Promise<void> {
    try {
      await this.#refresh(id, hosted)
    } catch (error) {
      for (const { reject } of units) reject(error)
      return
    }
    for (const { work, resolve, reject } of units) {
      try {
        resolve(await this.#untilFetched(id, hosted, false, ({ tables, cache }) => work(tables, cache)))
      } catch (error) {
        reject(this.#explained(error))
      }
    }
    hosted.space?.rows.trim(MAX_BYTES_A_RUN)
  }

  /** Drops what is in memory of a run that another server has changed or removed. */
  async #refresh(id: string, hosted: Hosted): Promise<void> {
    if (hosted.space === undefined) return
    const stored = await this.#options.db.get<{ version: number }>(
      'select version from runs where id = ?',
      id,
    )
    if (stored?.version === hosted.space.rows.loadedVersion) return
    this.#drop(hosted)
    this.#tell(id, undefined)
  }

  async #write(id: string, hosted: Hosted, units: readonly Unit[]): Promise<void> {
    try {
      const settle = await this.#untilFetched(id, hosted, true, (space) => this.#attempt(space, units))
      for (const one of settle) one()
    } catch (error) {
      this.#drop(hosted)
      const cause = this.#explained(error)
      // one unit's failure must not fail the others: each gets its own transaction
      const isOwn =
        !(cause instanceof StoreUnavailable && !(cause instanceof DamagedPoints)) && units.length > 1
      if (isOwn) for (const unit of units) await this.#write(id, hosted, [unit])
      else for (const { reject } of units) reject(cause)
    }
    if (hosted.space !== undefined) {
      hosted.space.rows.trim(MAX_BYTES_A_RUN)
      this.#weigh(hosted)
    }
  }

  #explained(error: unknown): unknown {
    if (error instanceof DataDamaged) this.#damage ??= error
    return error
  }

  /** Runs the units on the rows in memory; returns functions that settle their promises. */
  #attempt({ tables, cache }: Space, units: readonly Unit[]): (() => void)[] {
    const settle: (() => void)[] = []
    for (const { work, resolve, reject } of units) {
      try {
        const value = work(tables, cache)
        settle.push(() => resolve(value))
      } catch (error) {
        if (!(error instanceof UnitRefused)) throw error
        settle.push(() => reject(error))
      }
    }
    cache.settle()
    return settle
  }

  /**
   * Does work on a run, fetching what it turns out to need. What changes the run is undone for that, so the rest of it is
   * loaded again. Then it is written, unless another server was first: then everything starts over. Throws
   * `StoreUnavailable` where others are first for too long.
   */
  async #untilFetched<T>(
    id: string,
    hosted: Hosted,
    isWrite: boolean,
    work: (space: Space) => T,
  ): Promise<T> {
    let fetches = 0
    const began = performance.now()
    for (let tries = 1; ; tries++) {
      const space = (hosted.space ??= await this.#load(id))
      try {
        for (;;) {
          try {
            const value = work(space)
            if (isWrite) await this.#store(id, space)
            this.#weigh(hosted)
            return value
          } catch (error) {
            if (!(error instanceof Missing) || ++fetches > MAX_FETCHES) throw error
            await error.fetch(this.#fetchOf(id, space))
            if (!isWrite) continue
            const fresh = await this.#load(id, space)
            hosted.space = fresh
            break
          }
        }
        tries = 0
      } catch (error) {
        this.#drop(hosted)
        if (!(error instanceof Overtaken)) throw error
        if (performance.now() - began > GIVE_UP_MS) throw keptChanging(error)
        this.#tell(id, undefined)
        // by chance, so that servers that meet once do not meet each time
        if (tries > 1) await pause(Math.random() * MAX_PAUSE_MS)
      }
    }
  }

  #fetchOf(id: string, { rows }: Space): Fetch {
    const version = rows.loadedVersion
    return async <T>(sql: string, ...values: Value[]) => {
      const { all } = this.#options.db
      const found = await all<T & { version: number; found: true | null }>(
        `select runs.version, q.* from (select version from runs where id = ?) runs
         left join lateral (select true as found, r.* from (${sql.replace('$run', '?')}) r) q on true`,
        id,
        id,
        ...values,
      )
      if (found.length === 0 || found.some((row) => row.version !== version)) throw new Overtaken()
      return found.filter((row) => row.found === true)
    }
  }

  /** Loads a run; with what `former` fetched of it, where that still holds. */
  async #load(id: string, former?: Space): Promise<Space> {
    const { db } = this.#options
    const loaded = await load(db, id)
    const rows = new FetchedRun(loaded, loaded === undefined ? await firstVersion(db) : 0)
    if (former !== undefined) {
      if (former.rows.loadedVersion === rows.loadedVersion) rows.inherit(former.rows)
      else this.#tell(id, undefined)
    }
    const recorded: RecordedChanges[] = []
    const tables: RunTables = {
      runs: rows.runs,
      metrics: openMetricNames(rows.metrics),
      leaves: openLeaves(rows.leaves, (_, first, last) => this.#tell(id, first === last ? first : undefined)),
      summaries: openSummaries(rows.summaries),
      tail: openTail(rows.tail),
      detections: rows.detections,
      stretches: NO_STRETCHES,
      recordChanges: (cached, changes, told = changes) => {
        if (changes.length > 0) recorded.push({ changes, told, run: cached.run })
      },
    }
    return { rows, tables, cache: new RunCache(tables), recorded }
  }

  async #store(id: string, { rows, recorded }: Space): Promise<void> {
    const base = rows.loadedVersion
    const changes = recorded.splice(0)
    const writes = rows.takeWrites()
    if (rows.row === undefined || (!writes.isNew && !writes.isMoved && !writes.isEdited)) return
    const { db, groups, tell } = this.#options
    await writeUnit(db, groups, tell, { id, base, row: rows.row, writes, changes })
    rows.stored()
    if (changes.some(({ told }) => told.length > 0)) this.#options.onTold()
  }

  #tell(id: string, start: number | undefined): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher(start)
  }

  readonly #weights = new Map<Hosted, number>()
  #weigh(hosted: Hosted): void {
    const { space } = hosted
    const bytes = space === undefined ? 0 : space.rows.bytes + space.cache.bytes
    this.#bytes += bytes - (this.#weights.get(hosted) ?? 0)
    this.#weights.set(hosted, bytes)
  }

  #drop(hosted: Hosted): void {
    hosted.space = undefined
    this.#bytes -= this.#weights.get(hosted) ?? 0
    this.#weights.delete(hosted)
  }

  #trim(): void {
    for (const [id, hosted] of this.#runs) {
      if (this.#runs.size <= MAX_RUNS && this.#bytes <= MAX_BYTES) return
      if (hosted.isAtWork) continue
      this.#drop(hosted)
      this.#runs.delete(id)
    }
  }
}
