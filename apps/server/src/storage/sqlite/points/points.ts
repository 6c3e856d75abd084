import { MAX_STEP, type SeriesReply } from '@normwatch/protocol'
import { chart } from '../../leaf/chart.ts'
import { stepsBetweenTimes } from '../../leaf/record.ts'
import type { FindingChange, PointStore, SeriesQuery } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { Tables } from '../open-tables.ts'
import { recordChanges } from '../runs/findings.ts'
import type { ResidentRun } from './cached-run.ts'
import { readBlocks, readReadings } from './read-blocks.ts'
import { recordOf } from './record-of.ts'
import type { Residents } from './run-cache.ts'

export function openPoints(tables: Tables, residents: Residents, commits: GroupCommit): PointStore {
  /** Reads one run without waiting for a commit: what is at hand and what is stored are of one mind between two. */
  const read = <T>(id: string, work: (resident: ResidentRun) => T): T =>
    commits.read(() => {
      const value = work(residents.open(id))
      residents.trim()
      return value
    })

  return {
    append: ({ run, columns, arrivedAt, judgement, changes, state }) =>
      commits.run(() => {
        const resident = residents.open(run)
        const missing = resident.names.missing(columns.metrics.keys())
        const touched = residents.touch(resident)
        tables.metrics.add(resident.row.key, resident.names, missing)
        const batch = { seq: ++resident.seq, arrivedAt, rows: resident.names.numbered(columns) }
        resident.accept(batch)
        resident.judge(judgement)
        recordChanges(tables, resident, changes)
        touched.batches.push(batch)
        touched.state = state
        return resident.run
      }),

    detection: async (run) =>
      read(run, ({ row, names }) => {
        const { state, through, stale } = tables.detections.get(row.key)
        if (stale === 1) return { stale: true, state: undefined, since: [] }
        const since = tables.tail
          .behind(row.key, through)
          .map(({ arrivedAt, rows }) => ({ arrivedAt, columns: names.named(rows) }))
        return { stale: false, state: state === null ? undefined : (JSON.parse(state) as unknown), since }
      }),

    rejudge: (run, judgement, state, changes) =>
      commits.run(() => {
        const resident = residents.open(run)
        residents.touch(resident)
        resident.judge(judgement)
        recordChanges(tables, resident, changes, withoutPast(changes))
        const saved = tables.detections.get(resident.row.key)
        tables.detections.save(resident.row.key, { ...saved, stale: 0 })
        residents.writeOut(resident, () => state)
        return resident.run
      }),

    series: async (query) => read(query.run, (resident) => series(tables, resident, query)),

    read: (run, range) => readBlocks(tables, range, (work) => read(run, work)),

    readings: (run, metric, range) => readReadings(tables, metric, range, (work) => read(run, work)),

    metrics: async (run) => read(run, ({ names }) => names.all.toSorted()),
  }
}

function series(tables: Tables, resident: ResidentRun, query: SeriesQuery): SeriesReply {
  const metrics = query.metrics.map((name) => ({ name, number: resident.names.number(name) }))
  const numbers = metrics.map(({ number }) => number).filter((number) => number !== undefined)
  const byTime = query.fromTime !== undefined || query.toTime !== undefined
  const record = recordOf(
    tables,
    resident,
    numbers,
    byTime ? 0 : (query.from ?? 0),
    byTime ? MAX_STEP : (query.to ?? MAX_STEP),
  )
  if (!byTime) return chart(record, metrics, query, query.maxPoints)
  const range = stepsBetweenTimes(record, query.fromTime ?? -Infinity, query.toTime ?? Infinity)
  return chart(record, metrics, range ?? { from: 0, to: -1 }, query.maxPoints)
}

/** The changes without the openings of findings that close with them: nobody is alerted of what was over long ago. */
function withoutPast(changes: readonly FindingChange[]): FindingChange[] {
  const closed = new Set(changes.flatMap((change) => (change.type === 'closed' ? change.id : [])))
  return changes.filter((change) => change.type === 'closed' || !closed.has(change.finding.id))
}
