import type { PointColumns, RunEvent } from '@normwatch/protocol'
import type { ListedRun, StoredFinding, StoredRun } from './store.ts'

/** Something that happened to a run by its version `seq`. */
export type RunChange =
  | {
      readonly seq: number
      readonly type: 'points'
      readonly columns: PointColumns
      readonly arrivedAt: number
    }
  | { readonly seq: number; readonly type: 'finding'; readonly finding: StoredFinding }
  | { readonly seq: number; readonly type: 'event'; readonly event: RunEvent }

/** What happened to a run after a version. */
export interface RunChanges {
  /** The run as it is; its version is that of the newest change. */
  readonly run: StoredRun
  /** In the order of their versions. */
  readonly changes: readonly RunChange[]
  /** What else happened can only be read from the record: some batches are kept no more, or what was known is outdated. */
  readonly gap: 'after_too_old' | 'judged_again' | undefined
}

/** What to tell readers of the list: a run, and its findings that opened, closed or were explained. */
export interface ListedChanges {
  readonly run: ListedRun
  readonly findings: readonly StoredFinding[]
}

export interface RecentChanges {
  /** The versions of the runs that have changed lately, by id. */
  readonly versions: ReadonlyMap<string, number>
  readonly removed: readonly { readonly id: string; readonly project: string; readonly at: number }[]
  /** By the database's clock, milliseconds since 1970. */
  readonly now: number
}

/**
 * How a server learns what others have changed, where several share the data. Each change of a run has a version, which is
 * its live `seq` at every server.
 */
export interface SharedChanges {
  /** The versions of these runs; a run that does not exist is left out. */
  versions(runs: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** What happened to a run after version `after`; `Infinity`: only the run itself. `undefined`: there is no such run. */
  of(run: string, after: number): Promise<RunChanges | undefined>
  /** Runs that changed or were removed at or after an instant by the database's clock. */
  since(instant: number): Promise<RecentChanges>
  /** Of these runs, what a list tells after these versions. Runs that do not exist are left out. */
  listed(after: ReadonlyMap<string, number>): Promise<ListedChanges[]>
}
