import { MAX_LIMITED_PROJECTS } from '@normwatch/protocol'
import { TooManyLimits, type LimitStore, type StoredLimits } from '../limit-store.ts'
import type { Database } from './database.ts'

/** The table of how much projects may hold. */
export function openLimits(db: Database): LimitStore {
  return {
    list: () =>
      db.all<StoredLimits>('select project, max_runs, max_points from project_limits order by project'),
    put: ({ project, max_runs, max_points }) =>
      db.transaction(async (on) => {
        // one at a time, so that the bound holds
        await on.run('lock table project_limits in share row exclusive mode')
        const isNew = (await on.run('delete from project_limits where project = ?', project)) === 0
        if (max_runs === null && max_points === null) return
        const counted = await on.get<{ count: number }>('select count(*) as count from project_limits')
        if (isNew && (counted?.count ?? 0) >= MAX_LIMITED_PROJECTS) {
          throw new TooManyLimits(`At most ${MAX_LIMITED_PROJECTS} projects have limits.`)
        }
        await on.run(
          'insert into project_limits (project, max_runs, max_points) values (?, ?, ?)',
          project,
          max_runs,
          max_points,
        )
      }),
  }
}
