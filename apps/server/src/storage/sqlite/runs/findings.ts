import type { Database } from '../engine/database.ts'
import { glob } from '../engine/glob.ts'
import type { KeptStatements } from '../engine/kept-statements.ts'
import {
  CLOSE_FINDING,
  findingCount,
  type FindingPlace,
  type FindingRow,
  FINDINGS_A_LOOK,
  findingsPage,
  findingsQuery,
  INSERT_FINDING,
  insertedFinding,
  oneFinding,
  placeOf,
  refuseUnknownFinding,
  selectFindings,
  toFinding,
} from '../../run/list-findings.ts'
import { rowChanges } from '../../run/finding-changes.ts'
import type { FindingChange, FindingQuery, FindingStore, StoredFinding } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import { foundIn, windows } from '../engine/windows.ts'

const dialect = { run: 'runs.key', project: '+runs.project', like: glob }

type Read = <T>(work: () => T) => T

/** The newest first. Looked for in slices, between which others are served, where a filter may match few of many. */
export function openFindingLists(
  db: Database,
  lists: KeptStatements,
  read: Read,
): Pick<FindingStore, 'list' | 'count'> {
  const placeAfter = db.prepare<[number, number, number], FindingPlace>(
    `select opened_at, key from findings where (opened_at, key) < (?, ?)
     order by opened_at desc, key desc limit 1 offset ?`,
  )
  const placeOfRunAfter = db.prepare<[string, number, number, number], FindingPlace>(
    `select opened_at, key from findings where run = (select key from runs where id = ?) and (opened_at, key) < (?, ?)
     order by opened_at desc, key desc limit 1 offset ?`,
  )
  const placesOf =
    (run: string | undefined) =>
    ({ opened_at, key } = NEWEST, rows: number): FindingPlace | undefined =>
      read(() =>
        run === undefined
          ? placeAfter.get(opened_at, key, rows - 1)
          : placeOfRunAfter.get(run, opened_at, key, rows - 1),
      )

  return {
    async list(query) {
      const { run, since, state, limit, cursor } = query
      const after =
        since === undefined
          ? undefined
          : read(
              () => refuseUnknownFinding(since, lists.all<FindingRow>(oneFinding(dialect), [since])[0]).key,
            )
      // the open ones are few and have an index
      const isLong = state !== 'open' && isSelective(query)
      const pieces = windows(placeOf(cursor), isLong ? placesOf(run) : undefined)
      const found = await foundIn(pieces, limit + 1, (piece) => {
        const { sql, values } = findingsQuery(dialect, query, { after, ...piece })
        return read(() => lists.all<FindingRow>(sql, values))
      })
      return findingsPage(found, limit)
    },

    async count(of) {
      let count = 0
      for await (const piece of windows(undefined, placesOf(of.run))) {
        const { sql, values } = findingCount(dialect, of, piece)
        count += read(() => lists.all<{ count: number }>(sql, values)[0]?.count ?? 0)
      }
      return count
    },
  }
}

/** Before every finding in the lists. */
const NEWEST: FindingPlace = { opened_at: Number.MAX_SAFE_INTEGER, key: Number.MAX_SAFE_INTEGER }

/** Whether few of very many findings may match, so that a page is not found among the first. */
const isSelective = ({ project, projects = 'all', kind, since, state }: FindingQuery): boolean =>
  projects !== 'all' || [project, kind, since, state].some((filter) => filter !== undefined)

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

/**
 * The findings that nobody explained yet, at most so many per run as its parameter says: from one run that has some to the
 * next, since there may be very many other findings, and many of one run.
 */
const UNEXPLAINED = `with recursive waiting (run) as (
    select min(run) from findings where explanation is null
    union all
    select (select min(run) from findings where explanation is null and run > waiting.run)
    from waiting where waiting.run is not null)
  ${selectFindings(dialect)} where findings.key in (
    select newest.key from waiting cross join findings as newest where newest.key in (
      select key from findings as own where own.run = waiting.run and own.explanation is null
      order by own.key desc limit ?))
  order by findings.key limit ${FINDINGS_A_LOOK}`

/** What was found around the beginnings of findings. */
export function openExplanations(
  db: Database,
  findings: FindingTable,
  commits: GroupCommit,
): Pick<FindingStore, 'get' | 'unexplained' | 'explain'> {
  const selectUnexplained = db.prepare<[number], FindingRow>(UNEXPLAINED)
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
