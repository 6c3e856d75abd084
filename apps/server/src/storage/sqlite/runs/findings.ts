import type { Database } from '../engine/database.ts'
import {
  explanationQueries,
  findingsQuery,
  oneFinding,
  refuseUnknownFinding,
  toFinding,
  type FindingRow,
} from '../../run/list-findings.ts'
import type { CachedRun } from '../../run/cached-run.ts'
import type { FindingChange, FindingQuery, FindingStore, StoredFinding } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { Tables } from '../open-tables.ts'

const dialect = { run: 'runs.key' }

/** The newest first. */
export function listFindings(
  db: Database,
  query: FindingQuery,
): { findings: StoredFinding[]; next_cursor: string | null } {
  const { since } = query
  const behind =
    since === undefined
      ? undefined
      : refuseUnknownFinding(since, db.prepare<[string], FindingRow>(oneFinding(dialect)).get(since)).key
  const { sql, values, reply } = findingsQuery(dialect, query, behind)
  return reply(db.prepare<(string | number)[], FindingRow>(sql).all(...values))
}

/** Looks up one finding by its id, unless its run is gone. */
export function findingById(db: Database): (id: string) => StoredFinding | undefined {
  const select = db.prepare<[string], FindingRow>(oneFinding(dialect))
  return (id) => {
    const row = select.get(id)
    return row && toFinding(row)
  }
}

/** The table of findings, as changes write it. */
export function openFindingTable(db: Database) {
  const insert = db.prepare<(string | number | null)[]>(
    `insert into findings (id, run, part, kind, severity, state, opened_step, onset, opened_at, closed_step, closed_at,
       close_reason, evidence, diagnosis) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const close = db.prepare<[number | null, number, string, string, number]>(
    `update findings set state = 'closed', closed_step = ?, closed_at = ?, close_reason = ?
     where id = ? and run = ? and state = 'open'`,
  )

  function open(run: number, finding: StoredFinding): void {
    insert.run(
      finding.id,
      run,
      finding.part,
      finding.kind,
      finding.severity,
      finding.state,
      finding.opened_step,
      finding.onset,
      finding.opened_at,
      finding.closed_step,
      finding.closed_at,
      finding.close_reason,
      JSON.stringify(finding.evidence),
      JSON.stringify(finding.diagnosis),
    )
  }

  return {
    find: findingById(db),
    /** Closing a finding that is closed already changes nothing. */
    apply(run: number, changes: readonly FindingChange[]): void {
      for (const change of changes) {
        if (change.type === 'opened') open(run, change.finding)
        else close.run(change.closed_step, change.closed_at, change.close_reason, change.id, run)
      }
    },
  }
}

/** Writes the edges of a run's findings and, in the same unit, the messages that those of `told` cause. */
export function recordChanges(
  { findings, outbox }: Pick<Tables, 'findings' | 'outbox'>,
  cached: CachedRun,
  changes: readonly FindingChange[],
  told: readonly FindingChange[],
): void {
  findings.apply(cached.row.key, changes)
  for (const change of told) {
    const finding = change.type === 'opened' ? change.finding : findings.find(change.id)
    if (finding !== undefined) outbox.tell(change.type, finding, cached.run)
  }
}

/** What was found around the beginnings of findings. */
export function openExplanations(
  db: Database,
  { findings }: Tables,
  commits: GroupCommit,
): Pick<FindingStore, 'get' | 'unexplained' | 'explain'> {
  const sql = explanationQueries(dialect)
  const selectUnexplained = db.prepare<[number], FindingRow>(sql.unexplained)
  const isFlooded = db.prepare<[number], 1>(sql.isFlooded).pluck()
  const leaveOut = db.prepare<[number]>(sql.leaveOut)
  const explain = db.prepare<[string, string]>(sql.explain)
  return {
    get: async (id) => commits.read(() => findings.find(id)),
    unexplained: async (perRun) => {
      const isMore = commits.read(() => isFlooded.get(perRun) === 1)
      if (isMore) await commits.run(() => void leaveOut.run(perRun))
      return commits.read(() => selectUnexplained.all(perRun).map(toFinding))
    },
    explain: (id, explanation) =>
      commits.run(() => {
        explain.run(JSON.stringify(explanation), id)
        return findings.find(id)
      }),
  }
}
