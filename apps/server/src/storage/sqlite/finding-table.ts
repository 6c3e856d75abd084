import type { Finding } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import type { FindingChange } from '../store.ts'
import { findingById } from './list-findings.ts'

/** The table of findings, as changes write it. */
export function openFindingTable(db: Database) {
  const insert = db.prepare<(string | number | null)[]>(
    `insert into findings (id, run, kind, severity, state, opened_step, opened_at, closed_step, closed_at,
       close_reason, evidence, diagnosis) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const close = db.prepare<[number | null, number, string, string, number]>(
    `update findings set state = 'closed', closed_step = ?, closed_at = ?, close_reason = ?
     where id = ? and run = ? and state = 'open'`,
  )

  function open(run: number, finding: Finding): void {
    insert.run(
      finding.id,
      run,
      finding.kind,
      finding.severity,
      finding.state,
      finding.opened_step,
      Date.parse(finding.opened_at),
      finding.closed_step,
      finding.closed_at === null ? null : Date.parse(finding.closed_at),
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
        else close.run(change.closed_step, Date.parse(change.closed_at), change.close_reason, change.id, run)
      }
    },
  }
}
