import { MAX_LIMITED_PROJECTS } from '@normwatch/protocol'
import { TooManyLimits, type LimitStore, type StoredLimits } from '../limit-store.ts'
import type { Database } from './database.ts'

/** Those that are put in the same instant may exceed the bound: it is there for the reader's sake. */
const PUT = `
  insert into project_limits (project, max_runs, max_points)
  select ?::text, ?::bigint, ?::bigint
  where (select count(*) from project_limits where project <> ?::text) < ${MAX_LIMITED_PROJECTS}
  on conflict (project) do update set max_runs = excluded.max_runs, max_points = excluded.max_points`

/** The table of how much projects may hold. */
export function openLimits(db: Database): LimitStore {
  return {
    list: () =>
      db.all<StoredLimits>('select project, max_runs, max_points from project_limits order by project'),
    put: async ({ project, max_runs, max_points }) => {
      if (max_runs === null && max_points === null) {
        await db.run('delete from project_limits where project = ?', project)
      } else if ((await db.run(PUT, project, max_runs, max_points, project)) === 0) {
        throw new TooManyLimits(`At most ${MAX_LIMITED_PROJECTS} projects have limits.`)
      }
    },
  }
}
