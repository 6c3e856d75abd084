import type { Statements } from './database.ts'

/** Milliseconds since 1970, by the clock of the database, as SQL. */
export const NOW = '(extract(epoch from clock_timestamp()) * 1000)::bigint'

/** What every change of a run sets that no function makes: SQL after `update runs set`. Citus takes no volatile function there. */
export const NEXT_VERSION =
  'version = version + 1, changed_at = (extract(epoch from statement_timestamp()) * 1000)::bigint'

/** How long removed runs are remembered, in milliseconds. */
const REMEMBERED_MS = 60_000

/** Notes, in the transaction that removes a run, that it is gone, for the readers at other servers. */
export async function noteRemoval(on: Statements, run: string, project: string): Promise<void> {
  await on.run('insert into removed_runs (run, project) values (?, ?)', run, project)
  await on.run(
    `delete from removed_runs where (run, at) in
       (select run, at from removed_runs where at < ${NOW} - ${REMEMBERED_MS} for update skip locked)`,
  )
}
