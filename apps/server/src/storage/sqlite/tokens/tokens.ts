import { MAX_TOKENS } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import {
  TOKEN_COLUMNS,
  TokenNotFound,
  TooManyTokens,
  type StoredToken,
  type TokenStore,
} from '../../token-store.ts'
import { openSessions, type Access } from './sessions.ts'

/** The tables of tokens and sessions. Nothing is kept in memory, so that two processes see the same. */
export function openTokens(db: Database, access: Access): TokenStore {
  const { read, write } = access
  const any = db.prepare('select 1 from tokens limit 1')
  const count = db.prepare<[], number>('select count(*) from tokens').pluck()
  const all = db.prepare<[], StoredToken>('select * from tokens order by created_at, id')
  const byHash = db.prepare<[string], StoredToken>('select * from tokens where hash = ?')
  const byId = db.prepare<[string], StoredToken>('select * from tokens where id = ?')
  const insert = db.prepare<[StoredToken]>(
    `insert into tokens (${TOKEN_COLUMNS.join(', ')}) values (${TOKEN_COLUMNS.map((column) => `@${column}`).join(', ')})`,
  )
  const revoke = db.prepare<[number, string]>(
    'update tokens set revoked_at = coalesce(revoked_at, ?) where id = ?',
  )
  const used = db.prepare<[number, string]>('update tokens set last_used_at = ? where id = ?')

  const dropSessionsOf = db.prepare<[string]>('delete from sessions where token = ?')

  return {
    ...openSessions(db, access),
    any: async () => read(() => any.get() !== undefined),
    byHash: async (hash) => read(() => byHash.get(hash)),
    byId: async (id) => read(() => byId.get(id)),
    list: async () => read(() => all.all()),

    create: (token) =>
      write(() => {
        if ((count.get() as number) >= MAX_TOKENS) {
          throw new TooManyTokens(`There are at most ${MAX_TOKENS} tokens, revoked ones included.`)
        }
        insert.run(token)
      }),
    createFirst: (token) =>
      write(() => {
        if (any.get() !== undefined) return false
        insert.run(token)
        return true
      }),
    revoke: (id, now) =>
      write(() => {
        if (revoke.run(now, id).changes === 0) throw new TokenNotFound(`There is no token "${id}".`)
        dropSessionsOf.run(id)
        return byId.get(id) as StoredToken
      }),
    used: (id, now) => write(() => void used.run(now, id)),
  }
}
