import {
  findingCount,
  type FindingRow,
  findingsQuery,
  oneFinding,
  refuseUnknownFinding,
  toFinding,
  unexplainedFindings,
} from '../run/list-findings.ts'
import type { FindingStore, StoredFinding } from '../store.ts'
import type { Database, Statements } from './database.ts'
import { NEXT_VERSION } from './run-version.ts'
import { like } from './like.ts'

const dialect = { run: 'runs.id', like }

/** One finding, unless its run is gone. */
async function findingById(on: Statements, id: string): Promise<StoredFinding | undefined> {
  const row = await on.get<FindingRow>(oneFinding(dialect), id)
  return row && toFinding(row)
}

/** The same where its run is known, so that only the run's shard is asked. */
export async function findingOf(on: Statements, run: string, id: string): Promise<StoredFinding | undefined> {
  const row = await on.get<FindingRow>(`${oneFinding(dialect)} and findings.run = ?`, id, run)
  return row && toFinding(row)
}

/** Findings as they are read, and what was found around their beginnings. */
export function openFindings(db: Database): Omit<FindingStore, 'record'> {
  const unexplained = unexplainedFindings(dialect)
  return {
    list: async (query) => {
      const { since } = query
      const behind =
        since === undefined
          ? undefined
          : refuseUnknownFinding(since, await db.get<FindingRow>(oneFinding(dialect), since)).key
      const { sql, values, reply } = findingsQuery(dialect, query, behind)
      return reply(await db.all<FindingRow>(sql, ...values))
    },
    count: async (of) => {
      const { sql, values } = findingCount(dialect, of)
      return (await db.get<{ count: number }>(sql, ...values))?.count ?? 0
    },
    get: (id) => findingById(db, id),
    unexplained: async (perRun) => (await db.all<FindingRow>(unexplained, perRun)).map(toFinding),
    explain: async (id, explanation) => {
      const found = await findingById(db, id)
      if (found === undefined) return undefined
      return db.transaction(async (on) => {
        const run = await on.get<{ version: number }>(
          `update runs set ${NEXT_VERSION} where id = ? returning version`,
          found.run,
        )
        if (run === undefined) return undefined
        await on.run(
          'update findings set explanation = ?, version = ? where run = ? and id = ?',
          JSON.stringify(explanation),
          run.version,
          found.run,
          id,
        )
        return findingOf(on, found.run, id)
      })
    },
  }
}
