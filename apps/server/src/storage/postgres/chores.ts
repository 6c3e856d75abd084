import { randomUUID } from 'node:crypto'
import type { ChoreStore } from '../chore-store.ts'
import type { Database } from './database.ts'

/** Claims by the clock of the database, for as long as a server lives or says. */
export function openChores(db: Database): ChoreStore & { abandonAll(): Promise<void> } {
  const owner = randomUUID()
  return {
    isShared: true,
    claim: async (chore, leaseMs) =>
      (await db.run(
        `insert into chores (name, owner, expires_at) values (?, ?, clock_timestamp() + ? * interval '1 millisecond')
         on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
         where chores.owner = excluded.owner or chores.expires_at <= clock_timestamp()`,
        chore,
        owner,
        leaseMs,
      )) > 0,
    release: async (chore) =>
      void (await db.run('delete from chores where name = ? and owner = ?', chore, owner)),
    abandoned: async () =>
      (
        await db.all<{ name: string }>(
          'select name from chores where expires_at <= clock_timestamp() order by expires_at',
        )
      ).map(({ name }) => name),
    /** Called when the store closes, so that other servers need not wait for the end of the claims. */
    abandonAll: async () =>
      void (await db.run('update chores set expires_at = clock_timestamp() where owner = ?', owner)),
  }
}
