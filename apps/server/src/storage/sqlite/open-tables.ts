import type { Database } from 'better-sqlite3'
import type { AlertOptions } from '../alert-store.ts'
import { openChannels } from './alerts/channels.ts'
import { openDeliveries, openDeliveryLog } from './alerts/deliveries.ts'
import { openMutes } from './alerts/mutes.ts'
import { openOutbox } from './alerts/outbox.ts'
import { openLeaves } from './points/leaves.ts'
import { openMetricNames } from './points/metric-names.ts'
import { openSummaries } from './points/summaries.ts'
import { openDetections, openTail } from './points/tail.ts'
import { openFindingTable } from './runs/findings.ts'
import { openRunTable } from './runs/run-table.ts'

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
