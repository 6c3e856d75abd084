import type { RunEvent } from '@normwatch/protocol'
import { rowsIn } from '../run/blob.ts'
import { selectFindings, toFinding, type FindingRow } from '../run/list-findings.ts'
import { selectListed, toListed, type ListRow } from '../run/list-runs.ts'
import { MetricNames } from '../run/metric-names.ts'
import { SELECT_RUN, toRun, type RunDocuments, type RunRow } from '../run/run-row.ts'
import type { RunChange, SharedChanges } from '../shared-changes.ts'
import type { StoredFinding } from '../store.ts'
import type { Database } from './database.ts'
import { dialect } from './run-lists.ts'
import { NOW } from './run-version.ts'

/** Runs whose metrics' names are kept. */
const MAX_NAMES = 256
/** Most runs that are said to have changed, the newest first. */
const MAX_RECENT = 20_000

/** A run, once for each of its batches that are asked for, or once without one. */
interface ChangedRow extends RunRow, RunDocuments {
  readonly restated: number
  readonly followed_since: number
  readonly findings_through: number
  readonly events_through: number
  readonly seq: number | null
  readonly arrived_at: number
  readonly columns: Uint8Array
}

/**
 * One statement, so that a look at a run that only got batches asks once. The documents are in its first row. Each part names
 * the run itself, so that the statement stays in its shard.
 */
const CHANGED_RUN = {
  name: 'changed_run',
  sql: `select ${SELECT_RUN}, restated, followed_since, t.seq, t.arrived_at, t.columns,
      case when row_number() over (order by t.seq) = 1 then d.config end as config,
      case when row_number() over (order by t.seq) = 1 then d.notes end as notes,
      (select coalesce(max(f.version), 0) from findings f where f.run = ?) as findings_through,
      (select coalesce(max(e.version), 0) from run_events e where e.run = ?) as events_through
    from runs join run_documents d on d.run = ?
    left join tail t on t.run = ? and t.seq > greatest(?, restated)
    where runs.id = ? order by t.seq`,
}
const VERSIONS = { name: 'versions', sql: 'select id, version from runs where id = any(?::text[])' }

/** How this server learns what others have changed. */
export function openChanges(db: Database): SharedChanges {
  const names = new NamesOfRuns(db)
  const selectFinding = `select findings.version, ${selectFindings({ run: 'runs.id' }).replace('select', '')}`

  async function eventsOf(run: string, after: number, through: number): Promise<RunChange[]> {
    const rows = await db.all<RunEvent & { version: number }>(
      'select version, step, time, label, text from run_events where run = ? and version > ? and version <= ?',
      run,
      after,
      through,
    )
    return rows.map(({ version: seq, ...event }) => ({ seq, type: 'event', event }))
  }

  async function findingsOf(run: string, after: number, through: number): Promise<RunChange[]> {
    const rows = await db.all<FindingRow & { version: number }>(
      `${selectFinding} where findings.run = ? and findings.version > ? and findings.version <= ? order by findings.key`,
      run,
      after,
      through,
    )
    return rows.map(({ version: seq, ...row }) => ({ seq, type: 'finding', finding: toFinding(row) }))
  }

  return {
    versions: async (runs) => {
      const rows = await db.all<{ id: string; version: number }>(VERSIONS, runs)
      return new Map(rows.map(({ id, version }) => [id, version]))
    },

    of: async (id, after) => {
      const least = Math.min(after, Number.MAX_SAFE_INTEGER)
      const rows = await db.all<ChangedRow>(CHANGED_RUN, id, id, id, id, least, id)
      const [first] = rows
      if (first === undefined) return undefined
      const run = toRun(first, first)
      const through = run.version
      const changes: RunChange[] = []
      if (after >= through) return { run, changes, gap: undefined }
      for (const { seq, arrived_at: arrivedAt, columns } of rows) {
        if (seq === null) continue
        const rows = rowsIn(columns)
        const named = (await names.of(first, Math.max(-1, ...rows.columns.keys()))).named(rows)
        changes.push({ seq, type: 'points', columns: named, arrivedAt })
      }
      if (first.findings_through > after) changes.push(...(await findingsOf(id, after, through)))
      if (first.events_through > after) changes.push(...(await eventsOf(id, after, through)))
      // what a batch brought is told before the findings in it
      changes.sort((a, b) => a.seq - b.seq)
      const isRestated = first.restated > after
      const isIncomplete = first.followed_since > Math.max(after, first.restated)
      return { run, changes, gap: isRestated ? 'judged_again' : isIncomplete ? 'after_too_old' : undefined }
    },

    since: async (instant) => {
      const [runs, removed, clock] = await Promise.all([
        db.all<{ id: string; version: number }>(
          `select id, version from runs where changed_at >= ? order by changed_at desc limit ${MAX_RECENT}`,
          instant,
        ),
        db.all<{ id: string; project: string; at: number }>(
          'select run as id, project, at from removed_runs where at >= ?',
          instant,
        ),
        db.get<{ now: number }>(`select ${NOW} as now`),
      ])
      return {
        versions: new Map(runs.map(({ id, version }) => [id, version])),
        removed,
        now: (clock as { now: number }).now,
      }
    },

    listed: async (after) => {
      const ids = [...after.keys()]
      const rows = await db.all<ListRow>(`${selectListed(dialect)} where runs.id = any(?::text[])`, ids)
      const findings = await db.all<FindingRow & { version: number }>(
        `${selectFinding} join unnest(?::text[], ?::bigint[]) as known(run, version)
           on known.run = findings.run and findings.version > known.version order by findings.key`,
        ids,
        [...after.values()],
      )
      const ofRuns = new Map<string, StoredFinding[]>()
      for (const { version: _, ...row } of findings) {
        const finding = toFinding(row)
        ofRuns.set(finding.run, [...(ofRuns.get(finding.run) ?? []), finding])
      }
      return rows.map((row) => ({ run: toListed(row), findings: ofRuns.get(row.id) ?? [] }))
    },
  }
}

/** The names of runs' metrics, asked for again where a batch has one that is not known. */
class NamesOfRuns {
  readonly #db: Database
  readonly #known = new Map<number, MetricNames>()

  constructor(db: Database) {
    this.#db = db
  }

  /** At least those up to the number `highest`. */
  async of({ key, id }: Pick<RunRow, 'key' | 'id'>, highest: number): Promise<MetricNames> {
    let names = this.#known.get(key)
    if (names === undefined || names.size <= highest) {
      const rows = await this.#db.all<{ name: string }>(
        'select name from metrics where run = ? order by number',
        id,
      )
      names = new MetricNames(rows.map(({ name }) => name))
    }
    this.#known.delete(key)
    this.#known.set(key, names)
    if (this.#known.size > MAX_NAMES) this.#known.delete(this.#known.keys().next().value as number)
    return names
  }
}
