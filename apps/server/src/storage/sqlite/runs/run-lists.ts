import type { Database } from '../engine/database.ts'
import { glob } from '../engine/glob.ts'
import type { KeptStatements } from '../engine/kept-statements.ts'
import { foundIn, windows } from '../engine/windows.ts'
import {
  cursorPlace,
  isSelective,
  lastOfWindow,
  placeOfRow,
  runningQuery,
  runsPage,
  runsQuery,
  SELECT_KEYS,
  selectListed,
  toListed,
  type ListDialect,
  type ListKey,
  type ListRow,
  type RunningRow,
  type RunPlace,
} from '../../run/list-runs.ts'
import { RunNotFound, type ProjectTotals, type RunStore } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'
import type { RunCache } from '../../run/run-cache.ts'
import { ListedRuns } from './listed-runs.ts'
import type { Reaper } from './reaper.ts'
import type { RunTable } from './run-table.ts'

const dialect: ListDialect = {
  like: glob,
  owner: 'runs.key',
  // the plus keeps the index of the order in use, where a project's would sort all its runs
  project: '+runs.project',
  contains: (column) => `instr(${column}, ?) > 0`,
  hasTag: 'exists (select 1 from json_each(runs.tags) where value = ?)',
}

/** The tables with points, and the bytes of a row. */
const SIZES = {
  leaves: 'length(cells) + length(columns)',
  summaries: 'length(page)',
  tail: 'length(columns)',
  stretches: 'length(figures) + coalesce(length(norms), 0)',
}

/** The verbs of `RunStore` over many runs, and the removal of runs. */
export function openRunLists(
  db: Database,
  lists: KeptStatements,
  runs: RunTable,
  cache: RunCache,
  commits: GroupCommit,
  reaper: Reaper,
): Omit<RunStore, 'put' | 'patch' | 'get'> {
  // The metrics of a run are numbered from 0: the highest number tells how many there are, without counting.
  const totalsIn = db.prepare<[number, number], ProjectTotals>(
    `select project, count(*) as runs, sum(points) as points, max(last_arrival) as last_arrival,
       sum(coalesce((select max(number) + 1 from metrics where run = runs.key), 0)) as series
     from runs where key > ? and key <= ? group by project`,
  )
  const keyAfter = db
    .prepare<[number, number], number>('select key from runs where key > ? order by key limit 1 offset ? - 1')
    .pluck()
  const keyInProjectAfter = db
    .prepare<[string, number, number], number>(
      'select key from runs where project = ? and key > ? order by key limit 1 offset ? - 1',
    )
    .pluck()
  const silentIn = db
    .prepare<[string, number, number, number, number], string>(
      'select id from runs where project = ? and key > ? and key <= ? and last_arrival < ? limit ?',
    )
    .pluck()
  const arrivedIn = db
    .prepare<[number, number, number], string>(
      'select id from runs where key > ? and key <= ? and last_arrival > ?',
    )
    .pluck()
  const sizesIn = Object.entries(SIZES).map(([table, bytes]) => ({
    rowAfter: db
      .prepare<[number, number], number>(
        `select rowid from ${table} where rowid > ? order by rowid limit 1 offset ? - 1`,
      )
      .pluck(),
    read: db.prepare<[number, number], { run: number; bytes: number }>(
      `select run, sum(${bytes}) as bytes from ${table} where rowid > ? and rowid <= ? group by run`,
    ),
  }))
  const listed = new ListedRuns(db.prepare(`${selectListed(dialect)} where runs.key = ?`))
  const projectOf = db.prepare<[number], { project: string }>('select project from runs where key = ?')

  /** All runs in the order of their keys, or those of a project, in windows. */
  const runsInWindows = (project?: string) =>
    windows<number>(undefined, (from = 0, rows) =>
      commits.read(() =>
        project === undefined ? keyAfter.get(from, rows) : keyInProjectAfter.get(project, from, rows),
      ),
    )

  async function totals(): Promise<ProjectTotals[]> {
    const totals = new Map<string, ProjectTotals>()
    for await (const { from = 0, to = Infinity } of runsInWindows()) {
      for (const more of commits.read(() => totalsIn.all(from, to)))
        totals.set(more.project, together(totals.get(more.project), more))
    }
    return [...totals.values()].sort((a, b) => (a.project < b.project ? -1 : 1))
  }

  async function sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    for (const { rowAfter, read } of sizesIn) {
      const pieces = windows<number>(undefined, (from = 0, rows) =>
        commits.read(() => rowAfter.get(from, rows)),
      )
      for await (const { from = 0, to = Infinity } of pieces) {
        for (const { run, bytes } of commits.read(() => read.all(from, to))) {
          const project = projectOf.get(run)?.project
          if (project !== undefined) sizes.set(project, (sizes.get(project) ?? 0) + bytes)
        }
      }
    }
    return sizes
  }

  function remove(id: string): void {
    const row = runs.find(id)
    if (row === undefined) throw new RunNotFound(id)
    cache.forget(id)
    runs.remove(row.key)
    reaper.start()
  }

  return {
    delete: (id) => commits.run(() => remove(id)),

    expire: async ({ before, project, limit }) => {
      const silent = await foundIn(runsInWindows(project), limit, ({ from = 0, to = Infinity }, left) =>
        commits.read(() => silentIn.all(project, from, to, before, left)),
      )
      return commits.run(() => {
        const stillSilent = silent.filter((id) => (runs.find(id)?.lastArrival ?? Infinity) < before)
        for (const id of stillSilent) remove(id)
        return stillSilent
      })
    },

    arrivedAfter: (now) =>
      foundIn(runsInWindows(), Infinity, ({ from = 0, to = Infinity }) =>
        commits.read(() => arrivedIn.all(from, to, now)),
      ),

    async list(query) {
      const select = query.withConfig ? selectListed(dialect, true) : SELECT_KEYS
      const listedOf = (row: ListKey | ListRow) => ('notes' in row ? toListed(row) : listed.of(row))
      const placeAfter = (from: RunPlace | undefined, rows: number): RunPlace | undefined => {
        const { sql, values } = lastOfWindow(query, { from, rows })
        const last = commits.read(() => lists.all<ListKey>(sql, values)[0])
        return last && placeOfRow(query, last)
      }
      const isLong = isSelective(query)
      // a run may change its place between two windows
      const seen = new Set<number>()
      const found = await foundIn(
        windows(cursorPlace(query), isLong ? placeAfter : undefined),
        query.limit + 1,
        (window) => {
          const { sql, values } = runsQuery(dialect, query, select, isLong ? window : undefined)
          return commits.read(() => {
            const rows = lists.all<ListKey | ListRow>(sql, values).filter(({ key }) => !seen.has(key))
            for (const { key } of rows) seen.add(key)
            return rows.map((row) => ({ row, listed: listedOf(row) }))
          })
        },
      )
      return runsPage(query, found)
    },

    running: async (page) => {
      const { sql, values, reply } = runningQuery(page)
      return commits.read(() => reply(lists.all<RunningRow>(sql, values)))
    },

    totals,
    sizes,
    projects: async () => commits.read(() => runs.projects()),
  }
}

function together(some: ProjectTotals | undefined, more: ProjectTotals): ProjectTotals {
  if (some === undefined) return more
  return {
    project: more.project,
    runs: some.runs + more.runs,
    series: some.series + more.series,
    points: some.points + more.points,
    last_arrival: Math.max(some.last_arrival, more.last_arrival),
  }
}
