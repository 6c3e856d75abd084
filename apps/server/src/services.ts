import type { Alerts } from './alerts/alerts.ts'
import type { Audit } from './audit/audit.ts'
import type { Ingest } from './ingest/ingest.ts'
import type { Hub } from './live/hub.ts'
import type { Store } from './storage/store.ts'

/** The services that routes use; passed in, so that tests can use their own store. */
export interface Services {
  readonly store: Store
  readonly hub: Hub
  readonly ingest: Ingest
  readonly alerts: Alerts
  readonly audit: Audit
  /** Milliseconds since 1970. */
  readonly now: () => number
}
