import { among, fromCursor, given, toCursor, where, type Likeness } from '../list-query.ts'
import {
  FindingNotFound,
  NOTHING_FOUND,
  type Explanation,
  type FindingQuery,
  type StoredFinding,
} from '../store.ts'

export interface FindingRow extends Omit<
  StoredFinding,
  'evidence' | 'diagnosis' | 'explained' | keyof Explanation
> {
  readonly key: number
  readonly evidence: string
  readonly diagnosis: string
  readonly explanation: string | null
}

/** Findings without an explanation that are read at once. */
const FINDINGS_A_LOOK = 256

export interface FindingDialect {
  readonly like: Likeness
  /** What `findings.run` is in `runs`. */
  readonly run: string
}

/** The join leaves out findings of deleted runs whose rows are still being removed. */
export const selectFindings = ({ run }: Pick<FindingDialect, 'run'>) =>
  `select findings.key, findings.id, runs.id as run, part, kind, severity, state, opened_step, onset, opened_at,
  closed_step, closed_at, close_reason, evidence, diagnosis, explanation from findings join runs on ${run} = findings.run`

/** A statement that lists findings, the newest first, and the reply that its rows make. `behind` is the key of `since`. Values are `?`. */
export function findingsQuery(
  dialect: FindingDialect,
  { run, project, projects, kind, state, limit, cursor }: FindingQuery,
  behind: number | undefined,
) {
  const filter = where([
    given('runs.id = ?', run),
    given('runs.project = ?', project),
    among(dialect.like, 'runs.project', projects),
    // the keys of findings grow in the order in which they were entered
    given('findings.key > ?', behind),
    given('findings.kind = ?', kind),
    given('findings.state = ?', state),
    cursor === undefined
      ? undefined
      : {
          sql: '(findings.opened_at, findings.key) < (?, ?)',
          values: fromCursor(cursor, 'findings', ['number', 'number']),
        },
  ])
  return {
    sql: `${selectFindings(dialect)} ${filter.sql} order by findings.opened_at desc, findings.key desc limit ?`,
    values: [...filter.values, limit + 1],
    reply(rows: readonly FindingRow[]): { findings: StoredFinding[]; next_cursor: string | null } {
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      const isMore = rows.length > page.length && last !== undefined
      return {
        findings: page.map(toFinding),
        next_cursor: isMore ? toCursor(['findings', last.opened_at, last.key]) : null,
      }
    },
  }
}

/** A statement that counts the findings of a kind that a run or one of its parts has had. */
export function findingCount(
  { run: runOf }: Pick<FindingDialect, 'run'>,
  { run, kind, part }: Pick<StoredFinding, 'run' | 'kind' | 'part'>,
) {
  const { sql, values } = where([
    { sql: 'runs.id = ?', values: [run] },
    { sql: 'findings.kind = ?', values: [kind] },
    part === null ? { sql: 'part is null', values: [] } : { sql: 'part = ?', values: [part] },
  ])
  return {
    sql: `select cast(count(*) as integer) as count from findings join runs on ${runOf} = findings.run ${sql}`,
    values,
  }
}

/** A statement that looks up one finding by its id, unless its run is gone. */
export const oneFinding = (dialect: FindingDialect): string =>
  `${selectFindings(dialect)} where findings.id = ?`

/** Throws `FindingNotFound` where there is no row. */
export function refuseUnknownFinding(id: string, row: FindingRow | undefined): FindingRow {
  if (row === undefined) throw new FindingNotFound(`There is no finding "${id}".`)
  return row
}

/** A statement that reads the findings that nobody explained yet, at most so many per run as its parameter says. */
export function unexplainedFindings(dialect: FindingDialect): string {
  const ranked = `select run, key, row_number() over (partition by run order by key desc) as place from findings
    where explanation is null`
  return `${selectFindings(dialect)} join (${ranked}) as ranked on ranked.run = findings.run and ranked.key = findings.key where place <= ?
    order by findings.key limit ${FINDINGS_A_LOOK}`
}

/** Stores an opened finding; its values are those of `insertedFinding`. */
export const INSERT_FINDING = `insert into findings (run, id, part, kind, severity, state, opened_step, onset, opened_at,
  closed_step, closed_at, close_reason, evidence, diagnosis) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** `run` is what the engine keeps in `findings.run`. */
export const insertedFinding = (run: number | string, finding: StoredFinding) => [
  run,
  finding.id,
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
]

/** Closes a finding; one that is closed already stays as it is. */
export const CLOSE_FINDING = `update findings set state = 'closed', closed_step = ?, closed_at = ?, close_reason = ?
  where id = ? and run = ? and state = 'open'`

export function toFinding({ key: _, evidence, diagnosis, explanation, ...row }: FindingRow): StoredFinding {
  return {
    ...row,
    evidence: JSON.parse(evidence) as StoredFinding['evidence'],
    diagnosis: JSON.parse(diagnosis) as StoredFinding['diagnosis'],
    explained: explanation !== null,
    ...NOTHING_FOUND,
    ...(JSON.parse(explanation ?? '{}') as Partial<Explanation>),
  }
}
