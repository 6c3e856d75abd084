import type { Database } from 'better-sqlite3'
import type { AlertOptions } from '../alert-store.ts'
import { openChannels } from './channels.ts'
import { openDeliveries } from './deliveries.ts'
import { openDeliveryLog } from './delivery-log.ts'
import { openDetections } from './detections.ts'
import { openFindingTable } from './finding-table.ts'
import { openLeaves } from './leaves.ts'
import { openMetricNames } from './metric-names.ts'
import { openMutes } from './mutes.ts'
import { openOutbox } from './outbox.ts'
import { openRunTable } from './run-table.ts'
import { openSummaries } from './summaries.ts'
import { openTail } from './tail.ts'

/** Every table with its prepared statements. */
export function openTables(db: Database, alerts: AlertOptions) {
  const channels = openChannels(db)
  const mutes = openMutes(db)
  return {
    runs: openRunTable(db),
    metrics: openMetricNames(db),
    leaves: openLeaves(db),
    summaries: openSummaries(db),
    tail: openTail(db),
    detections: openDetections(db),
    findings: openFindingTable(db),
    channels,
    mutes,
    deliveries: openDeliveries(db, channels),
    deliveryLog: openDeliveryLog(db),
    outbox: openOutbox(db, channels, mutes, alerts),
  }
}
export type Tables = ReturnType<typeof openTables>
