import type { Database } from '../engine/database.ts'
import type { Overrides, SettingsScope, SettingsStore } from '../../settings-store.ts'
import { RunNotFound } from '../../store.ts'
import type { GroupCommit } from '../engine/group-commit.ts'

/** The tables of detection settings. */
export function openSettings(db: Database, commits: GroupCommit): SettingsStore {
  const keyOf = db.prepare<[string], number>('select key from runs where id = ?').pluck()
  const table = (name: string, owner: string) => ({
    select: db.prepare<[string | number], string>(`select overrides from ${name} where ${owner} = ?`).pluck(),
    save: db.prepare<[string | number, string]>(
      `insert into ${name} (${owner}, overrides) values (?, ?)
       on conflict (${owner}) do update set overrides = excluded.overrides`,
    ),
  })
  const ofProjects = table('project_settings', 'project')
  const ofRuns = table('run_settings', 'run')
  const place = (scope: SettingsScope) => {
    if ('project' in scope) return { rows: ofProjects, owner: scope.project }
    const owner = keyOf.get(scope.run)
    if (owner === undefined) throw new RunNotFound(scope.run)
    return { rows: ofRuns, owner }
  }
  return {
    get: async (scope) =>
      commits.read(() => {
        const { rows, owner } = place(scope)
        return JSON.parse(rows.select.get(owner) ?? '{}') as Overrides
      }),
    put: (scope, overrides) =>
      commits.run(() => {
        const { rows, owner } = place(scope)
        rows.save.run(owner, JSON.stringify(overrides))
      }),
  }
}
