import {
  runningQuery,
  runsPage,
  runsQuery,
  selectListed,
  toListed,
  type ListDialect,
  type ListRow,
  type RunningRow,
} from '../run/list-runs.ts'
import { RunNotFound, type ProjectTotals, type RunStore } from '../store.ts'
import type { Database } from './database.ts'
import { like } from './like.ts'
import type { PostgresUnits } from './run-units.ts'
import { noteRemoval } from './run-version.ts'

export const dialect: ListDialect = {
  like,
  owner: 'runs.id',
  project: 'runs.project',
  contains: (column) => `strpos(${column}, ?) > 0`,
  hasTag: 'runs.tags::jsonb @> to_jsonb(?::text)',
}

/** Every table that has rows of a run, but `runs` itself. */
export const TABLES_OF_A_RUN = [
  'run_documents',
  'run_events',
  'metrics',
  'leaves',
  'summaries',
  'tail',
  'detections',
  'findings',
  'run_settings',
]

/** The verbs of `RunStore` over many runs, and the removal of runs. */
export function openRunLists(db: Database, units: PostgresUnits): Omit<RunStore, 'put' | 'patch' | 'get'> {
  /** Removes the run, unless points arrived since `before`; says whether it did. */
  async function remove(id: string, before = Infinity): Promise<boolean> {
    const isGone = await db.transaction(async (on) => {
      const gone = await on.get<{ project: string }>(
        'delete from runs where id = ? and last_arrival < ? returning project',
        id,
        Math.min(before, Number.MAX_SAFE_INTEGER),
      )
      if (gone === undefined) return false
      await noteRemoval(on, id, gone.project)
      for (const table of [...TABLES_OF_A_RUN, 'mutes'])
        await on.run(`delete from ${table} where run = ?`, id)
      return true
    })
    units.forget(id)
    return isGone
  }

  return {
    delete: async (id) => {
      if (!(await remove(id))) throw new RunNotFound(id)
    },

    arrivedAfter: async (now) =>
      (await db.all<{ id: string }>('select id from runs where last_arrival > ?', now)).map(({ id }) => id),

    expire: async ({ before, project, limit }) => {
      const silent = await db.all<{ id: string }>(
        'select id from runs where project = ? and last_arrival < ? limit ?',
        project,
        before,
        limit,
      )
      const removed: string[] = []
      for (const { id } of silent) if (await remove(id, before)) removed.push(id)
      return removed
    },

    list: async (query) => {
      const { sql, values } = runsQuery(dialect, query, selectListed(dialect, query.withConfig))
      const rows = await db.all<ListRow>(sql, ...values)
      return runsPage(
        query,
        rows.map((row) => ({ row, listed: toListed(row) })),
      )
    },

    running: async (page) => {
      const { sql, values, reply } = runningQuery(page)
      return reply(await db.all<RunningRow>(sql, ...values))
    },

    // the metrics of a run are numbered from 0: the highest number tells how many there are, without counting
    totals: () =>
      db.all<ProjectTotals>(
        `select project, count(*) as runs, sum(points)::bigint as points, max(last_arrival) as last_arrival,
           coalesce(sum((select max(number) + 1 from metrics where run = runs.id)), 0)::bigint as series
         from runs group by project order by project`,
      ),

    sizes: async () => {
      const rows = await db.all<{ project: string; bytes: number }>(
        `select project, sum(bytes)::bigint as bytes
         from (
           select run, octet_length(cells) + octet_length(columns) as bytes from leaves
           union all select run, octet_length(page) from summaries
           union all select run, octet_length(columns) from tail
         ) as blobs join runs on runs.id = blobs.run
         group by project`,
      )
      return new Map(rows.map(({ project, bytes }) => [project, bytes]))
    },

    projects: async () => {
      const rows = await db.all<{ project: string }>('select distinct project from runs order by project')
      return rows.map(({ project }) => project)
    },
  }
}
