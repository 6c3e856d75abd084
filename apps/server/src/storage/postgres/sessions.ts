import {
  MAX_LISTED_SESSIONS,
  SESSION_COLUMNS,
  SESSION_ID_DIGITS,
  sessionOf,
  sessionRow,
  SignInReplayed,
  STATE_KEPT_MS,
  type SessionRow,
  type SessionStore,
} from '../session-store.ts'
import type { Database } from './database.ts'

/** The table of sessions. */
export function openSessions(db: Database): SessionStore {
  const newest = `order by opened_at desc nulls last, hash limit ${MAX_LISTED_SESSIONS}`
  const shown = (row: SessionRow | undefined) => row && sessionOf(row)
  return {
    openSession: (opened, now, state) =>
      db.transaction(async (on) => {
        if (state !== undefined) {
          const used = 'insert into used_states (state, expires_at) values (?, ?) on conflict do nothing'
          if ((await on.run(used, state, now + STATE_KEPT_MS)) === 0) throw new SignInReplayed()
        }
        await on.run('delete from sessions where expires_at <= ?', now)
        await on.run('delete from used_states where expires_at <= ?', now)
        const row = sessionRow(opened)
        await on.run(
          `insert into sessions (${SESSION_COLUMNS.join(', ')}) values (${SESSION_COLUMNS.map(() => '?').join(', ')})`,
          ...SESSION_COLUMNS.map((column) => row[column]),
        )
      }),
    session: async (hash) => shown(await db.get<SessionRow>('select * from sessions where hash = ?', hash)),
    sessionById: async (digits) =>
      shown(
        await db.get<SessionRow>(
          `select * from sessions where substr(hash, 1, ${SESSION_ID_DIGITS}) = ?`,
          digits,
        ),
      ),
    sessions: async (now, opener) => {
      const rows =
        opener === undefined
          ? await db.all<SessionRow>(`select * from sessions where expires_at > ? ${newest}`, now)
          : await db.all<SessionRow>(
              `select * from sessions where expires_at > ? and token = ? ${newest}`,
              now,
              opener,
            )
      return rows.map(sessionOf)
    },
    closeSession: async (hash) => void (await db.run('delete from sessions where hash = ?', hash)),
  }
}
