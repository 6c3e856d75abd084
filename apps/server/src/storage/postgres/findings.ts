import {
  findingCount,
  type FindingRow,
  FINDINGS_A_LOOK,
  findingsPage,
  findingsQuery,
  oneFinding,
  placeOf,
  refuseUnknownFinding,
  selectFindings,
  toFinding,
} from '../run/list-findings.ts'
import type { FindingStore, StoredFinding } from '../store.ts'
import type { Database, Statements } from './database.ts'
import { NEXT_VERSION } from './run-version.ts'
import { like } from './like.ts'

const dialect = { run: 'runs.id', project: 'runs.project', like }

/** The findings that nobody explained yet, at most so many per run as its parameter says. */
const UNEXPLAINED = `${selectFindings(dialect)} join (
    select run, key, row_number() over (partition by run order by key desc) as place from findings
    where explanation is null) as ranked on ranked.run = findings.run and ranked.key = findings.key
  where place <= ? order by findings.key limit ${FINDINGS_A_LOOK}`

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
  return {
    list: async (query) => {
      const { since, cursor } = query
      const after =
        since === undefined
          ? undefined
          : refuseUnknownFinding(since, await db.get<FindingRow>(oneFinding(dialect), since)).key
      const { sql, values } = findingsQuery(dialect, query, { after, from: placeOf(cursor) })
      return findingsPage(await db.all<FindingRow>(sql, ...values), query.limit)
    },
    count: async (of) => {
      const { sql, values } = findingCount(dialect, of)
      return (await db.get<{ count: number }>(sql, ...values))?.count ?? 0
    },
    get: (id) => findingById(db, id),
    unexplained: async (perRun) => (await db.all<FindingRow>(UNEXPLAINED, perRun)).map(toFinding),
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
