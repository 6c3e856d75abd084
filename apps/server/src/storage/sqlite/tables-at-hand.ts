import type { Database } from 'better-sqlite3'
import { openDetections } from './detections.ts'
import { openFindingTable } from './finding-table.ts'
import { openLeaves } from './leaves.ts'
import { openMetricNames } from './metric-names.ts'
import { openRunTable } from './run-table.ts'
import { openSummaries } from './summaries.ts'
import { openTail } from './tail.ts'

/** Every table with its prepared statements. */
export const openTables = (db: Database) => ({
  runs: openRunTable(db),
  metrics: openMetricNames(db),
  leaves: openLeaves(db),
  summaries: openSummaries(db),
  tail: openTail(db),
  detections: openDetections(db),
  findings: openFindingTable(db),
})
export type Tables = ReturnType<typeof openTables>
