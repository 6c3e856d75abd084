import { among, fromCursor, given, pageOf, where, type Condition, type Likeness } from '../list-query.ts'
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
export const FINDINGS_A_LOOK = 256

/** Where a finding stands in the lists. */
export type FindingPlace = Pick<FindingRow, 'opened_at' | 'key'>

export interface FindingDialect {
  readonly like: Likeness
  /** The project's column, such that its index is not used: that of the openings is. */
  readonly project: string
  /** What `findings.run` is in `runs`. */
  readonly run: string
}

/** The join leaves out findings of deleted runs whose rows are still being removed. */
export const selectFindings = ({ run }: Pick<FindingDialect, 'run'>) =>
  `select findings.key, findings.id, runs.id as run, part, kind, severity, state, opened_step, onset, opened_at,
  closed_step, closed_at, close_reason, evidence, diagnosis, explanation from findings join runs on ${run} = findings.run`

/** The place that a cursor stands for, if there is one. Throws `BadCursor`. */
export function placeOf(cursor: string | undefined): FindingPlace | undefined {
  if (cursor === undefined) return undefined
  const [opened_at, key] = fromCursor(cursor, 'findings', ['number', 'number']) as [number, number]
  return { opened_at, key }
}

const compared = (sign: '<' | '>=', place: FindingPlace | undefined): Condition | undefined =>
  place && {
    sql: `(findings.opened_at, findings.key) ${sign} (?, ?)`,
    values: [place.opened_at, place.key],
  }

/**
 * A statement that lists findings, the newest first, one more than the page has. `after` is the key of `since`; only
 * those behind `from` are listed, and of these those through `to`. Values are `?`.
 */
export function findingsQuery(
  dialect: FindingDialect,
  { run, project, projects, kind, state, limit }: FindingQuery,
  {
    after,
    from,
    to,
  }: { after?: number | undefined; from?: FindingPlace | undefined; to?: FindingPlace | undefined },
) {
  const filter = where([
    given('runs.id = ?', run),
    given(`${dialect.project} = ?`, project),
    among(dialect.like, dialect.project, projects),
    // the keys of findings grow in the order in which they were entered
    given('findings.key > ?', after),
    given('findings.kind = ?', kind),
    // as a text and not as a value: the open ones have an index of their own
    state && { sql: `findings.state = '${state}'`, values: [] },
    compared('<', from),
    compared('>=', to),
  ])
  return {
    sql: `${selectFindings(dialect)} ${filter.sql} order by findings.opened_at desc, findings.key desc limit ?`,
    values: [...filter.values, limit + 1],
  }
}

/** The reply that these rows make, of which there are more than `limit` if there is another page. */
export function findingsPage(
  rows: readonly FindingRow[],
  limit: number,
): { findings: StoredFinding[]; next_cursor: string | null } {
  const { page, next_cursor } = pageOf(rows, limit, (last) => ['findings', last.opened_at, last.key])
  return { findings: page.map(toFinding), next_cursor }
}

/** A statement that counts the findings of a kind that a run or one of its parts has had, all or those behind `from` through `to`. */
export function findingCount(
  { run: runOf }: Pick<FindingDialect, 'run'>,
  { run, kind, part }: Pick<StoredFinding, 'run' | 'kind' | 'part'>,
  { from, to }: { from?: FindingPlace | undefined; to?: FindingPlace | undefined } = {},
) {
  const { sql, values } = where([
    { sql: 'runs.id = ?', values: [run] },
    { sql: 'findings.kind = ?', values: [kind] },
    part === null ? { sql: 'part is null', values: [] } : { sql: 'part = ?', values: [part] },
    compared('<', from),
    compared('>=', to),
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
