import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../engine/database.ts'
import { glob } from '../engine/glob.ts'
import type { KeptStatements } from '../engine/kept-statements.ts'
import {
  runningQuery,
  runsQuery,
  SELECT_KEYS,
  selectListed,
  toListed,
  type ListDialect,
  type ListKey,
  type ListRow,
  type RunningRow,
} from '../../run/list-runs.ts'
import { RunNotFound, type ProjectTotals, type ProjectUsage, type RunStore } from '../../store.ts'
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

/** Leaves whose sizes are read at once: some milliseconds. */
const LEAVES_AT_ONCE = 4_000

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
  const usage = db.prepare<[], ProjectUsage>(
    `select project, count(*) as runs,
       coalesce(sum((select max(number) + 1 from metrics where run = runs.key)), 0) as series
     from runs group by project order by project`,
  )
  const totals = db.prepare<[], ProjectTotals>(
    `select project, count(*) as runs, sum(points) as points, max(last_arrival) as last_arrival,
       coalesce(sum((select max(number) + 1 from metrics where run = runs.key)), 0) as series
     from runs group by project order by project`,
  )

  const leafSizes = db.prepare<[number], { last: number; run: number; bytes: number }>(
    `select max(rowid) as last, run, sum(bytes) as bytes
     from (select rowid, run, length(cells) + length(columns) as bytes from leaves where rowid > ? order by rowid limit ${LEAVES_AT_ONCE})
     group by run`,
  )
  const otherSizes = db.prepare<[], { run: number; bytes: number }>(
    `select run, sum(length(page)) as bytes from summaries group by run
     union all select run, sum(length(columns)) from tail group by run
     union all select run, sum(length(figures) + coalesce(length(norms), 0)) from stretches group by run`,
  )
  const listed = new ListedRuns(db.prepare(`${selectListed(dialect)} where runs.key = ?`))
  const projectOf = db.prepare<[number], { project: string }>('select project from runs where key = ?')

  /** In slices, so that others are served in between. */
  async function sizes(): Promise<ReadonlyMap<string, number>> {
    const sizes = new Map<string, number>()
    const add = ({ run, bytes }: { run: number; bytes: number }): void => {
      const project = projectOf.get(run)?.project
      if (project !== undefined) sizes.set(project, (sizes.get(project) ?? 0) + bytes)
    }
    for (const row of otherSizes.all()) add(row)
    for (let last: number | undefined = 0; last !== undefined;) {
      const rows = commits.read(() => leafSizes.all(last as number))
      for (const row of rows) add(row)
      last = rows.length === 0 ? undefined : Math.max(...rows.map((row) => row.last))
      await nextTurn()
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

    expire: ({ before, project, limit }) =>
      commits.run(() => {
        const silent = runs.silentSince(before, project, limit)
        for (const id of silent) remove(id)
        return silent
      }),

    arrivedAfter: async (now) => commits.read(() => runs.arrivedAfter(now)),

    list: async (query) =>
      commits.read(() => {
        if (query.withConfig) {
          const { sql, values, reply } = runsQuery<ListRow>(
            dialect,
            query,
            selectListed(dialect, true),
            toListed,
          )
          return reply(lists.all(sql, values))
        }
        const { sql, values, reply } = runsQuery<ListKey>(dialect, query, SELECT_KEYS, (row) =>
          listed.of(row),
        )
        return reply(lists.all(sql, values))
      }),

    running: async (page) => {
      const { sql, values, reply } = runningQuery(page)
      return commits.read(() => reply(lists.all<RunningRow>(sql, values)))
    },

    usage: async () => commits.read(() => usage.all()),
    totals: async () => commits.read(() => totals.all()),
    sizes,
    projects: async () => commits.read(() => runs.projects()),
  }
}
