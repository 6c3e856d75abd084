import type { Alerts } from './alerts/alerts.ts'
import type { Ingest } from './ingest/ingest.ts'
import type { Hub } from './live/hub.ts'
import type { Store } from './storage/store.ts'

/** What the routes work with; handed in, so that a test can open a store of its own. */
export interface Services {
  readonly store: Store
  readonly hub: Hub
  readonly ingest: Ingest
  readonly alerts: Alerts
  /** Milliseconds since 1970. */
  readonly now: () => number
}
