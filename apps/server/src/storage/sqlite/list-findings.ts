import type { Finding } from '@normwatch/protocol'
import { and, desc, eq, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { FindingQuery } from '../store.ts'
import { fromCursor, toCursor } from './cursor.ts'
import { findings, runs } from './tables.ts'

/** The newest first; a finding of a run that is being removed is none. */
export function listFindings(
  db: BetterSQLite3Database,
  { run, kind, state, limit, cursor }: FindingQuery,
): { findings: Finding[]; next_cursor: string | null } {
  const [openedAt, key] = cursor === undefined ? [] : fromCursor(cursor, 'findings', ['number', 'number'])
  const rows = db
    .select({ finding: findings, run: runs.id })
    .from(findings)
    .innerJoin(runs, eq(runs.key, findings.run))
    .where(
      and(
        run === undefined ? undefined : eq(runs.id, run),
        kind === undefined ? undefined : eq(findings.kind, kind),
        state === undefined ? undefined : eq(findings.state, state),
        openedAt === undefined
          ? undefined
          : sql`(${findings.openedAt}, ${findings.key}) < (${openedAt}, ${key})`,
      ),
    )
    .orderBy(desc(findings.openedAt), desc(findings.key))
    .limit(limit + 1)
    .all()
  const page = rows.slice(0, limit)
  const last = page.at(-1)?.finding
  return {
    findings: page.map((row) => toFinding(row.finding, row.run)),
    next_cursor: rows.length > page.length && last ? toCursor(['findings', last.openedAt, last.key]) : null,
  }
}

/** The finding with this id, unless its run is gone. */
export function findFinding(db: BetterSQLite3Database, id: string): Finding | undefined {
  const row = db
    .select({ finding: findings, run: runs.id })
    .from(findings)
    .innerJoin(runs, eq(runs.key, findings.run))
    .where(eq(findings.id, id))
    .get()
  return row && toFinding(row.finding, row.run)
}

function toFinding(row: typeof findings.$inferSelect, run: string): Finding {
  return {
    id: row.id,
    run,
    kind: row.kind as Finding['kind'],
    severity: row.severity,
    state: row.state,
    opened_step: row.openedStep,
    opened_at: new Date(row.openedAt).toISOString(),
    closed_step: row.closedStep,
    closed_at: row.closedAt === null ? null : new Date(row.closedAt).toISOString(),
    close_reason: row.closeReason as Finding['close_reason'],
    evidence: JSON.parse(row.evidence) as Finding['evidence'],
    diagnosis: JSON.parse(row.diagnosis) as Finding['diagnosis'],
  }
}
