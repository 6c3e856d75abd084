import type { Database } from './engine/database.ts'
import type { AlertOptions } from '../alert-store.ts'
import { openLeaves } from '../run/leaves.ts'
import { openMetricNames } from '../run/metric-names.ts'
import type { RunTables } from '../run/run-tables.ts'
import { openSummaries } from '../run/summaries.ts'
import { openTail } from '../run/tail.ts'
import { openChannels } from './alerts/channels.ts'
import { openDeliveries, openDeliveryLog } from './alerts/deliveries.ts'
import { openMutes } from './alerts/mutes.ts'
import { openOutbox } from './alerts/outbox.ts'
import { openDroppedLeaves } from './points/dropped-leaves.ts'
import { detectionRows, leafRows, metricRows, pageRows, stretchRows, tailRows } from './points/point-rows.ts'
import { openFindingTable } from './runs/findings.ts'
import { openRunTable } from './runs/run-table.ts'

/** Every table with its prepared statements. */
export function openTables(db: Database, alerts: AlertOptions) {
  const channels = openChannels(db)
  const mutes = openMutes(db)
  const findings = openFindingTable(db)
  const outbox = openOutbox(db, channels, mutes, alerts)
  const watchers = new Set<LeafWatcher>()
  const stretches = stretchRows(db)
  const droppedLeaves = openDroppedLeaves(db)
  const tell = (run: number, first: number, last: number) => {
    stretches.forget(run, first, last)
    for (const watcher of watchers) watcher(run, first === last ? first : undefined)
  }
  return {
    runs: openRunTable(db),
    metrics: openMetricNames(metricRows(db)),
    leaves: openLeaves(leafRows(db, droppedLeaves), tell),
    droppedLeaves,
    summaries: openSummaries(pageRows(db)),
    tail: openTail(tailRows(db)),
    detections: detectionRows(db),
    stretches,
    recordChanges(cached, changes, told = changes) {
      findings.apply(cached.row.key, changes)
      for (const change of told) {
        const finding = change.type === 'opened' ? change.finding : findings.find(change.id)
        if (finding !== undefined) outbox.tell(change.type, finding, cached.run)
      }
    },
    /** Calls `watcher` with the start of each leaf that is written or removed; `undefined`: many were. Returns its undo. */
    watchLeaves(watcher: LeafWatcher): () => void {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    findings,
    channels,
    mutes,
    deliveries: openDeliveries(db, channels),
    deliveryLog: openDeliveryLog(db),
    outbox,
  } satisfies RunTables & Record<string, unknown>
}

type LeafWatcher = (run: number, start: number | undefined) => void
