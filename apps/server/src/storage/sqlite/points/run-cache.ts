import { RunNotFound } from '../../store.ts'
import type { Tables } from '../open-tables.ts'
import { ResidentRun } from './cached-run.ts'
import type { TailBatch } from './tail.ts'

/** Runs at hand, and bytes of their leaves, at the most. */
const MAX_RUNS = 1024
const MAX_BYTES = 48 * 1024 * 1024

/** A tail this long is written to the leaves, with the detector's state. */
const FULL = { batches: 1024, points: 4096, bytes: 256 * 1024 }
/** Leaves of that many runs are written in one transaction, unless a tail is twice as long: the others wait their turn. */
const WRITES_A_COMMIT = 4
/** A run that leaves memory with a longer tail than this has its leaves written. */
const MAX_TAIL_LEFT = 64

/** What a unit has done to a run and is not written yet. */
interface Touched {
  readonly batches: TailBatch[]
  /** The detector's state after the last batch. */
  state: (() => unknown) | undefined
}

/** The runs that are being written or were read lately. Nothing here outlives a transaction that was undone. */
export class Residents {
  readonly #tables: Tables
  /** By id, the least recently used first. */
  readonly #runs = new Map<string, ResidentRun>()
  readonly #touched = new Map<ResidentRun, Touched>()
  readonly #bytes = new Map<ResidentRun, number>()
  #totalBytes = 0

  constructor(tables: Tables) {
    this.#tables = tables
  }

  /** The run, with everything of it that is not in the leaves' table. Throws `RunNotFound`. */
  open(id: string): ResidentRun {
    const known = this.#runs.get(id)
    if (known !== undefined) {
      this.#runs.delete(id)
      this.#runs.set(id, known)
      return known
    }
    const row = this.#tables.runs.find(id)
    if (row === undefined) throw new RunNotFound(id)
    const resident = this.#load(row)
    this.#runs.set(id, resident)
    this.#weigh(resident)
    return resident
  }

  #load(row: ResidentRun['row']): ResidentRun {
    const { tail, detections, metrics, runs } = this.#tables
    const { through } = detections.get(row.key)
    const seq = Math.max(tail.newest(row.key), row.mergedThrough, through)
    const resident = new ResidentRun(this.#tables, row, runs.documents(row.key), metrics.of(row.key), seq)
    for (const batch of tail.behind(row.key, row.mergedThrough)) resident.restore(batch)
    return resident
  }

  #weigh(resident: ResidentRun): void {
    const bytes = resident.bytes
    this.#totalBytes += bytes - (this.#bytes.get(resident) ?? 0)
    this.#bytes.set(resident, bytes)
  }

  /** The run is gone. */
  forget(id: string): void {
    const resident = this.#runs.get(id)
    if (resident === undefined) return
    this.#runs.delete(id)
    this.#touched.delete(resident)
    this.#totalBytes -= this.#bytes.get(resident) ?? 0
    this.#bytes.delete(resident)
  }

  /** Notes that the run's row, and perhaps a batch, are to be written with this transaction. */
  touch(resident: ResidentRun): Touched {
    let touched = this.#touched.get(resident)
    if (touched === undefined) {
      this.#touched.set(resident, (touched = { batches: [], state: undefined }))
    }
    return touched
  }

  /** Writes what the units of this transaction left to be written. */
  settle(): void {
    let writes = 0
    for (const [resident, touched] of this.#touched) {
      const { tail } = resident
      const add = touched.batches.reduce((sum, { rows }) => sum + rows.count, 0)
      const fill = Math.max(
        (tail.batches + touched.batches.length) / FULL.batches,
        (tail.points + add) / FULL.points,
        tail.bytes / FULL.bytes,
      )
      const isFull = fill >= 2 || (fill >= 1 && writes < WRITES_A_COMMIT)
      if (isFull) {
        writes++
        this.writeOut(resident, touched.state)
      } else {
        for (const batch of touched.batches) this.#log(resident, batch)
      }
      this.#tables.runs.move(resident.row)
      this.#weigh(resident)
    }
    this.#touched.clear()
    this.#trim(true)
  }

  #log(resident: ResidentRun, batch: TailBatch): void {
    resident.tail.bytes += this.#tables.tail.add(resident.row.key, batch)
    resident.tail.batches++
    resident.tail.points += batch.rows.count
  }

  /**
   * Writes the leaves of a run, so that its tail is needed no more: with the detector's state where there is one, else
   * the tail stays for the detector.
   */
  writeOut(resident: ResidentRun, state = this.#touched.get(resident)?.state): void {
    const { row, seq } = resident
    const { tail, detections } = this.#tables
    const batches = this.#touched.get(resident)?.batches.splice(0) ?? []
    if (state === undefined) for (const batch of batches) this.#log(resident, batch)
    resident.writeLeaves()
    row.mergedThrough = seq
    const saved = detections.get(row.key)
    const through = state === undefined ? saved.through : seq
    if (state !== undefined) {
      detections.save(row.key, { state: JSON.stringify(state()) ?? null, through, stale: saved.stale })
    }
    tail.removeThrough(row.key, through)
    resident.tail = { batches: 0, points: 0, bytes: 0 }
  }

  /** Lets go of the least recently used runs beyond the bounds. */
  #trim(canWrite: boolean): void {
    for (const [id, resident] of this.#runs) {
      if (this.#runs.size <= MAX_RUNS && this.#totalBytes <= MAX_BYTES) return
      if (this.#runs.size === 1 || (!canWrite && this.#touched.has(resident))) return
      if (canWrite && resident.tail.batches > MAX_TAIL_LEFT) {
        this.writeOut(resident, undefined)
        this.#tables.runs.move(resident.row)
      }
      this.forget(id)
    }
  }

  /** After reads, which write nothing. */
  trim(): void {
    this.#trim(false)
  }

  /** Drops everything at hand: a transaction was undone. */
  clear(): void {
    this.#runs.clear()
    this.#touched.clear()
    this.#bytes.clear()
    this.#totalBytes = 0
  }
}
