import type { Database } from '../engine/database.ts'
import {
  FindingNotFound,
  type Explanation,
  type FindingChange,
  type FindingQuery,
  type FindingStore,
  type StoredFinding,
} from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import { fromCursor, given, toCursor, where } from '../../list-query.ts'
import type { Tables } from '../open-tables.ts'
import type { CachedRun } from '../../run/cached-run.ts'

interface FindingRow extends Omit<StoredFinding, 'evidence' | 'explained' | keyof Explanation> {
  readonly key: number
  readonly evidence: string
  readonly diagnosis: string
  readonly explanation: string | null
}

/** Findings without an explanation that are read at once. */
const FINDINGS_A_LOOK = 256

const NOTHING_FOUND: Explanation = { moved: [], events: [], layers: [], sibling: null }

/** The join leaves out findings of deleted runs whose rows are still being removed. */
const SELECT = `select findings.key, findings.id, runs.id as run, part, kind, severity, state, opened_step, onset, opened_at,
  closed_step, closed_at, close_reason, evidence, diagnosis, explanation from findings join runs on runs.key = findings.run`

/** The newest first. */
export function listFindings(
  db: Database,
  { run, project, kind, state, since, limit, cursor }: FindingQuery,
): { findings: StoredFinding[]; next_cursor: string | null } {
  const filter = where([
    given('runs.id = ?', run),
    given('runs.project = ?', project),
    given('findings.key > ?', since === undefined ? undefined : keyOf(db, since)),
    given('findings.kind = ?', kind),
    given('findings.state = ?', state),
    cursor === undefined
      ? undefined
      : {
          sql: '(findings.opened_at, findings.key) < (?, ?)',
          values: fromCursor(cursor, 'findings', ['number', 'number']),
        },
  ])
  const rows = db
    .prepare<(string | number)[], FindingRow>(
      `${SELECT} ${filter.sql} order by findings.opened_at desc, findings.key desc limit ?`,
    )
    .all(...filter.values, limit + 1)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    findings: page.map(toFinding),
    next_cursor: rows.length > page.length && last ? toCursor(['findings', last.opened_at, last.key]) : null,
  }
}

/** The keys of findings grow in the order in which they were entered. */
function keyOf(db: Database, id: string): number {
  const row = db.prepare<[string], FindingRow>(`${SELECT} where findings.id = ?`).get(id)
  if (row === undefined) throw new FindingNotFound(`There is no finding "${id}".`)
  return row.key
}

/** Looks up one finding by its id, unless its run is gone. */
export function findingById(db: Database): (id: string) => StoredFinding | undefined {
  const select = db.prepare<[string], FindingRow>(`${SELECT} where findings.id = ?`)
  return (id) => {
    const row = select.get(id)
    return row && toFinding(row)
  }
}

function toFinding({ key: _, evidence, diagnosis, explanation, ...row }: FindingRow): StoredFinding {
  return {
    ...row,
    evidence: JSON.parse(evidence) as StoredFinding['evidence'],
    diagnosis: JSON.parse(diagnosis) as StoredFinding['diagnosis'],
    explained: explanation !== null,
    ...NOTHING_FOUND,
    ...(JSON.parse(explanation ?? '{}') as Partial<Explanation>),
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
  const RANKED = `select key, row_number() over (partition by run order by key desc) as place from findings
    where explanation is null`
  const selectUnexplained = db.prepare<[number, number], FindingRow>(
    `${SELECT} join (${RANKED}) as ranked on ranked.key = findings.key where place <= ? order by findings.key limit ?`,
  )
  const isFlooded = db.prepare<[number], 1>(`select 1 from (${RANKED}) where place > ? limit 1`).pluck()
  const leaveOut = db.prepare<[number]>(
    `update findings set explanation = '{}' where key in (select key from (${RANKED}) where place > ?)`,
  )
  const explain = db.prepare<[string, string]>('update findings set explanation = ? where id = ?')
  return {
    get: async (id) => commits.read(() => findings.find(id)),
    unexplained: async (perRun) => {
      const isMore = commits.read(() => isFlooded.get(perRun) === 1)
      if (isMore) await commits.run(() => void leaveOut.run(perRun))
      return commits.read(() => selectUnexplained.all(perRun, FINDINGS_A_LOOK).map(toFinding))
    },
    explain: (id, explanation) =>
      commits.run(() => {
        explain.run(JSON.stringify(explanation), id)
        return findings.find(id)
      }),
  }
}
