import type { Database } from '../engine/database.ts'
import { glob } from '../engine/glob.ts'
import type { KeptStatements } from '../engine/kept-statements.ts'
import {
  CLOSE_FINDING,
  findingCount,
  type FindingRow,
  findingsQuery,
  INSERT_FINDING,
  insertedFinding,
  oneFinding,
  refuseUnknownFinding,
  toFinding,
  unexplainedFindings,
} from '../../run/list-findings.ts'
import { rowChanges } from '../../run/finding-changes.ts'
import type { FindingChange, FindingQuery, FindingStore, StoredFinding } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'

const dialect = { run: 'runs.key', like: glob }

/** The newest first. */
export function listFindings(
  lists: KeptStatements,
  query: FindingQuery,
): { findings: StoredFinding[]; next_cursor: string | null } {
  const { since } = query
  const behind =
    since === undefined
      ? undefined
      : refuseUnknownFinding(since, lists.all<FindingRow>(oneFinding(dialect), [since])[0]).key
  const { sql, values, reply } = findingsQuery(dialect, query, behind)
  return reply(lists.all<FindingRow>(sql, values))
}

export function countFindings(
  lists: KeptStatements,
  of: Pick<StoredFinding, 'run' | 'kind' | 'part'>,
): number {
  const { sql, values } = findingCount(dialect, of)
  return lists.all<{ count: number }>(sql, values)[0]?.count ?? 0
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
  const insert = db.prepare<(string | number | null)[]>(INSERT_FINDING)
  const close = db.prepare<[number | null, number, string, string, number]>(CLOSE_FINDING)
  return {
    find: findingById(db),
    apply(run: number, changes: readonly FindingChange[]): void {
      const { closed, added } = rowChanges(changes)
      for (const { closed_step, closed_at, close_reason, id } of closed) {
        close.run(closed_step, closed_at, close_reason, id, run)
      }
      for (const finding of added) insert.run(...insertedFinding(run, finding))
    },
  }
}

export type FindingTable = ReturnType<typeof openFindingTable>

/** What was found around the beginnings of findings. */
export function openExplanations(
  db: Database,
  findings: FindingTable,
  commits: GroupCommit,
): Pick<FindingStore, 'get' | 'unexplained' | 'explain'> {
  const selectUnexplained = db.prepare<[number], FindingRow>(unexplainedFindings(dialect))
  const explain = db.prepare<[string, string]>('update findings set explanation = ? where id = ?')
  return {
    get: async (id) => commits.read(() => findings.find(id)),
    unexplained: async (perRun) => commits.read(() => selectUnexplained.all(perRun).map(toFinding)),
    explain: (id, explanation) =>
      commits.run(() => {
        explain.run(JSON.stringify(explanation), id)
        return findings.find(id)
      }),
  }
}
