import type { FindingChange } from '../store.ts'
import type { CachedRun } from './cached-run.ts'
import type { LeafTable } from './leaves.ts'
import type { MetricTable } from './metric-names.ts'
import type { RunCache } from './run-cache.ts'
import type { RunDocuments, RunRow } from './run-row.ts'
import type { StretchRows } from './stretches.ts'
import type { SummaryTable } from './summaries.ts'
import type { DetectionRows, TailTable } from './tail.ts'

/** The table of runs, by single rows. */
export interface RunRows {
  find(id: string): RunRow | undefined
  documents(key: number): RunDocuments
  /** Returns the new run's key. */
  insert(row: Omit<RunRow, 'key'>): number
  update(row: RunRow): void
  /** Writes what a batch or a judgement changes. */
  move(row: RunRow): void
  saveDocuments(key: number, documents: RunDocuments): void
}

/**
 * What a unit of one run reads and changes. Every call is synchronous, whatever the engine: SQLite asks its file,
 * PostgreSQL has fetched the rows before, or fetches them and runs the unit again.
 */
export interface RunTables {
  readonly runs: RunRows
  readonly metrics: MetricTable
  readonly leaves: LeafTable
  readonly summaries: SummaryTable
  readonly tail: TailTable
  readonly detections: DetectionRows
  readonly stretches: StretchRows
  /** Writes which findings of a run open and close and, in the same unit, queues the messages for those in `told` (default: all). */
  recordChanges(cached: CachedRun, changes: readonly FindingChange[], told?: readonly FindingChange[]): void
}

type Work<T> = (tables: RunTables, cache: RunCache) => T

/** How an engine runs units on a run. `work` may be run again, so it changes nothing but the tables and the cache. */
export interface RunUnits {
  /** Changes one run as one unit; resolves when it is durable. Rejects with what `work` throws. */
  write<T>(run: string, work: Work<T>): Promise<T>
  /** Reads one run as it is between two units. */
  read<T>(run: string, work: Work<T>): Promise<T>
  /** Calls `watcher` with the start of each leaf of the run that is written or removed; `undefined`: any may have been. Returns its undo. */
  watchLeaves(run: string, watcher: (start: number | undefined) => void): () => void
  /** The next unit will write thousands of pages: what makes room for them is done now, in a turn of its own. */
  makeRoom(): void
  /** Points were removed: free their space. */
  reclaim(): void
}
