import type { Database } from '../engine/database.ts'
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
} from '../../session-store.ts'

/** Reads, and runs units of work in a transaction, which resolve when they are durable; both explain their failures. */
export interface Access {
  readonly read: <T>(work: () => T) => T
  readonly write: <T>(work: () => T) => Promise<T>
}

/** The table of sessions. Nothing is kept in memory, so that two processes see the same. */
export function openSessions(db: Database, { read, write }: Access): SessionStore {
  const byHash = db.prepare<[string], SessionRow>('select * from sessions where hash = ?')
  const byId = db.prepare<[string], SessionRow>(
    `select * from sessions where substr(hash, 1, ${SESSION_ID_DIGITS}) = ?`,
  )
  const newest = `order by opened_at desc nulls last, hash limit ${MAX_LISTED_SESSIONS}`
  const all = db.prepare<[number], SessionRow>(`select * from sessions where expires_at > ? ${newest}`)
  const ofOpener = db.prepare<[number, string], SessionRow>(
    `select * from sessions where expires_at > ? and token = ? ${newest}`,
  )
  const insert = db.prepare<[SessionRow]>(
    `insert into sessions (${SESSION_COLUMNS.join(', ')}) values (${SESSION_COLUMNS.map((column) => `@${column}`).join(', ')})`,
  )
  const drop = db.prepare<[string]>('delete from sessions where hash = ?')
  const dropExpired = db.prepare<[number]>('delete from sessions where expires_at <= ?')
  const useState = db.prepare<[string, number]>(
    'insert into used_states (state, expires_at) values (?, ?) on conflict do nothing',
  )
  const dropStates = db.prepare<[number]>('delete from used_states where expires_at <= ?')
  const shown = (row: SessionRow | undefined) => row && sessionOf(row)

  return {
    openSession: (opened, now, state) =>
      write(() => {
        if (state !== undefined && useState.run(state, now + STATE_KEPT_MS).changes === 0) {
          throw new SignInReplayed()
        }
        dropExpired.run(now)
        dropStates.run(now)
        insert.run(sessionRow(opened))
      }),
    session: async (hash) => read(() => shown(byHash.get(hash))),
    sessionById: async (digits) => read(() => shown(byId.get(digits))),
    sessions: async (now, opener) =>
      read(() => (opener === undefined ? all.all(now) : ofOpener.all(now, opener)).map(sessionOf)),
    closeSession: (hash) => write(() => void drop.run(hash)),
  }
}
