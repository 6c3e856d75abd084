import type { Hub } from '../live/hub.ts'
import type { Store } from '../storage/store.ts'
import type { ActiveRuns } from './active-runs.ts'

/** What the parts of ingest share. */
export interface IngestContext {
  readonly store: Store
  readonly hub: Hub
  readonly runs: ActiveRuns
  /** Milliseconds since 1970. */
  readonly now: () => number
}
