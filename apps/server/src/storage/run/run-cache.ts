import { RunNotFound, STATE_AFTER } from '../store.ts'
import type { RunTables } from './run-tables.ts'
import { MAX_LEAF_BYTES } from './cached-leaves.ts'
import { CachedRun } from './cached-run.ts'
import type { EncodedLeaves } from './leaves.ts'
import type { TailBatch } from './tail.ts'

/** Most runs kept in memory, and most bytes of their leaves. */
const MAX_RUNS = 1024
const MAX_BYTES = 48 * 1024 * 1024

/** A tail this long is written to the leaves, with the detector's state, which is due by then too. */
const FULL = { ...STATE_AFTER, bytes: STATE_AFTER.readings * 8 }
/** A heavy run's leaves are encoded ahead of a unit, see `HeavyUnits`; this many times as long, its tail is written whatever it costs. */
const OVERFULL = 16
/** Leaves of a heavy run that take so much memory are written whatever its tail says: late steps touch many of them. */
const DUE_BYTES = MAX_LEAF_BYTES / 2
/** Leaves of at most this many runs are written in one transaction, unless a tail is twice as long. */
const WRITES_A_COMMIT = 2
/** Runs that begin together should not write their leaves at the same moments: the first time comes at so many different fills. */
const PHASES = 8
/** A run that leaves memory with a longer tail than this has its leaves written. */
const MAX_TAIL_LEFT = 64

/** The runs that are being written or were read lately. All of it is dropped when a transaction is rolled back. */
export class RunCache {
  readonly #tables: RunTables
  /** By id, the least recently used first. */
  readonly #runs = new Map<string, CachedRun>()
  /** Runs that this transaction changes, with their batches that are not written yet. */
  readonly #touched = new Map<CachedRun, TailBatch[]>()
  readonly #bytes = new Map<CachedRun, number>()
  #totalBytes = 0

  constructor(tables: RunTables) {
    this.#tables = tables
  }

  /** Bytes of the leaves that are kept. */
  get bytes(): number {
    return this.#totalBytes
  }

  /** The run, with everything of it that is not in the leaves' table. Throws `RunNotFound`. */
  open(id: string): CachedRun {
    const known = this.#runs.get(id)
    if (known !== undefined) {
      this.#runs.delete(id)
      this.#runs.set(id, known)
      return known
    }
    const row = this.#tables.runs.find(id)
    if (row === undefined) throw new RunNotFound(id)
    const cached = this.#load(row)
    this.#runs.set(id, cached)
    this.#weigh(cached)
    return cached
  }

  #load(row: CachedRun['row']): CachedRun {
    const { tail, detections, metrics, runs } = this.#tables
    const { through } = detections.get(row.key)
    // data from before runs had a version numbers its batches alone
    row.version = Math.max(row.version, tail.newest(row.key), row.mergedThrough, through)
    const cached = new CachedRun(this.#tables, row, runs.documents(row.key), metrics.of(row.key))
    for (const batch of tail.behind(row.key, row.mergedThrough)) cached.restore(batch)
    return cached
  }

  #weigh(cached: CachedRun): void {
    const { bytes } = cached.leaves
    this.#totalBytes += bytes - (this.#bytes.get(cached) ?? 0)
    this.#bytes.set(cached, bytes)
  }

  /** The run was removed. */
  forget(id: string): void {
    const cached = this.#runs.get(id)
    if (cached === undefined) return
    this.#runs.delete(id)
    this.#touched.delete(cached)
    this.#totalBytes -= this.#bytes.get(cached) ?? 0
    this.#bytes.delete(cached)
  }

  /** Notes that the run's row, and perhaps a batch, are to be written with this transaction. */
  touch(cached: CachedRun, batch?: TailBatch): void {
    const batches = this.#touched.get(cached) ?? []
    if (batch !== undefined) batches.push(batch)
    this.#touched.set(cached, batches)
  }

  /** Writes what the units of this transaction left to be written. */
  settle(): void {
    let writes = 0
    for (const [cached, batches] of this.#touched) {
      const fill = fillOf(cached, batches)
      const isFull = cached.leaves.isHeavy
        ? fill >= OVERFULL
        : fill >= 2 || (fill >= 1 && writes < WRITES_A_COMMIT)
      if (isFull) {
        writes++
        this.writeOut(cached)
      } else {
        for (const batch of batches) this.#log(cached, batch)
      }
      this.#tables.runs.move(cached.row)
      this.#weigh(cached)
    }
    this.#touched.clear()
    this.#trim(true)
  }

  /** Whether the leaves should be written before the next batch. */
  isDue(cached: CachedRun): boolean {
    return fillOf(cached, this.#touched.get(cached) ?? []) >= 1 || cached.leaves.bytes > DUE_BYTES
  }

  #log(cached: CachedRun, batch: TailBatch): void {
    cached.tail.bytes += this.#tables.tail.add(cached.row.key, batch)
    cached.tail.batches++
    cached.tail.points += batch.rows.count
  }

  /**
   * Writes the leaves of a run, which then need its tail no more, and the newest state of the detector that was given: the
   * batches behind that state stay in the tail for the detector. Of the leaves, `encoded` may hold what will be stored.
   */
  writeOut(cached: CachedRun, encoded?: EncodedLeaves): void {
    const { row, unsaved } = cached
    const { tail, detections } = this.#tables
    const saved = detections.get(row.key)
    const through = unsaved?.through ?? saved.through
    for (const batch of this.#touched.get(cached)?.splice(0) ?? []) {
      if (batch.seq > through || tail.isFollowed) this.#log(cached, batch)
    }
    cached.leaves.write(encoded)
    row.mergedThrough = row.version
    if (unsaved !== undefined) {
      detections.save(row.key, { state: unsaved.state, through, stale: saved.stale })
      cached.unsaved = undefined
    }
    tail.removeThrough(row.key, through)
    cached.tail = { batches: 0, points: 0, bytes: 0 }
  }

  /** Drops the least recently used runs beyond the bounds. */
  #trim(canWrite: boolean): void {
    for (const [id, cached] of this.#runs) {
      if (this.#runs.size <= MAX_RUNS && this.#totalBytes <= MAX_BYTES) return
      if (this.#runs.size === 1 || (!canWrite && this.#touched.has(cached))) return
      if (canWrite && cached.tail.batches > MAX_TAIL_LEFT) {
        this.writeOut(cached)
        this.#tables.runs.move(cached.row)
      }
      this.forget(id)
    }
  }

  /** After reads, which write nothing. */
  trim(): void {
    this.#trim(false)
  }

  /** Drops everything: a transaction was rolled back. */
  clear(): void {
    this.#runs.clear()
    this.#touched.clear()
    this.#bytes.clear()
    this.#totalBytes = 0
  }
}

/** How full the tail is with these batches; from 1 on, it is to be written to the leaves. */
function fillOf({ row, tail }: CachedRun, batches: readonly TailBatch[]): number {
  const add = batches.reduce((sum, { rows }) => sum + rows.count, 0)
  const fill = Math.max(
    (tail.batches + batches.length) / FULL.batches,
    (tail.points + add) / FULL.points,
    tail.bytes / FULL.bytes,
  )
  return row.mergedThrough === 0 ? fill * (1 + phaseOf(row.id) / PHASES) : fill
}

/** 0 to 7, from the last character, in which runs of one series differ. */
const phaseOf = (id: string): number => id.charCodeAt(id.length - 1) % PHASES
