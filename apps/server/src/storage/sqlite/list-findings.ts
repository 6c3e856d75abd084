import type { Finding } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import type { FindingQuery } from '../store.ts'
import { given, where } from './conditions.ts'
import { fromCursor, toCursor } from './cursor.ts'

interface FindingRow {
  readonly key: number
  readonly id: string
  readonly run: string
  readonly kind: Finding['kind']
  readonly severity: Finding['severity']
  readonly state: Finding['state']
  readonly opened_step: number | null
  readonly opened_at: number
  readonly closed_step: number | null
  readonly closed_at: number | null
  readonly close_reason: Finding['close_reason']
  readonly evidence: string
  readonly diagnosis: string
}

/** A finding of a run that is being removed is none: its run is not there to join. */
const SELECT = `select findings.key, findings.id, runs.id as run, kind, severity, state, opened_step, opened_at,
  closed_step, closed_at, close_reason, evidence, diagnosis from findings join runs on runs.key = findings.run`

/** The newest first. */
export function listFindings(
  db: Database,
  { run, kind, state, limit, cursor }: FindingQuery,
): { findings: Finding[]; next_cursor: string | null } {
  const filter = where([
    given('runs.id = ?', run),
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

/** Looks up one finding by its id, unless its run is gone. */
export function findingById(db: Database): (id: string) => Finding | undefined {
  const select = db.prepare<[string], FindingRow>(`${SELECT} where findings.id = ?`)
  return (id) => {
    const row = select.get(id)
    return row && toFinding(row)
  }
}

function toFinding({ key: _, evidence, diagnosis, ...row }: FindingRow): Finding {
  return {
    ...row,
    opened_at: new Date(row.opened_at).toISOString(),
    closed_at: row.closed_at === null ? null : new Date(row.closed_at).toISOString(),
    evidence: JSON.parse(evidence) as Finding['evidence'],
    diagnosis: JSON.parse(diagnosis) as Finding['diagnosis'],
  }
}
