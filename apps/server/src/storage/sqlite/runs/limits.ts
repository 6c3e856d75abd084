import { MAX_LIMITED_PROJECTS } from '@normwatch/protocol'
import { TooManyLimits, type LimitStore, type StoredLimits } from '../../limit-store.ts'
import type { Database } from '../engine/database.ts'
import type { GroupCommit } from '../engine/group-commit.ts'

/** The table of how much projects may hold. */
export function openLimits(db: Database, commits: GroupCommit): LimitStore {
  const all = db.prepare<[], StoredLimits>(
    'select project, max_runs, max_points from project_limits order by project',
  )
  const remove = db.prepare<[string]>('delete from project_limits where project = ?')
  const count = db.prepare<[], number>('select count(*) from project_limits').pluck()
  const insert = db.prepare<[StoredLimits]>(
    'insert into project_limits (project, max_runs, max_points) values (@project, @max_runs, @max_points)',
  )
  return {
    list: async () => commits.read(() => all.all()),
    put: (limits) =>
      commits.run(() => {
        const isNew = remove.run(limits.project).changes === 0
        if (limits.max_runs === null && limits.max_points === null) return
        if (isNew && (count.get() as number) >= MAX_LIMITED_PROJECTS) {
          throw new TooManyLimits(`At most ${MAX_LIMITED_PROJECTS} projects have limits.`)
        }
        insert.run(limits)
      }),
  }
}
