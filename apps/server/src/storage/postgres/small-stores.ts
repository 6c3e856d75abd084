import { MAX_EVENTS_PER_RUN, MAX_STEP, MAX_TOKENS, type RunEvent } from '@normwatch/protocol'
import { TooManyEvents, type EventStore } from '../event-store.ts'
import type { Overrides, SettingsScope, SettingsStore } from '../settings-store.ts'
import { RunNotFound } from '../store.ts'
import {
  TOKEN_COLUMNS,
  TokenNotFound,
  TooManyTokens,
  type StoredToken,
  type TokenStore,
} from '../token-store.ts'
import type { Database, Statements } from './database.ts'
import { NEXT_VERSION } from './run-version.ts'
import { openSessions } from './sessions.ts'

/** Throws `RunNotFound`. */
async function refuseUnknown(on: Statements, run: string): Promise<void> {
  const found = await on.get('select 1 from runs where id = ?', run)
  if (found === undefined) throw new RunNotFound(run)
}

export function openEvents(db: Database): EventStore {
  return {
    put: (run, events) =>
      db.transaction(async (on) => {
        // one at a time, so that the bound holds
        const changed = await on.get<{ version: number }>(
          `update runs set ${NEXT_VERSION} where id = ? returning version`,
          run,
        )
        if (changed === undefined) throw new RunNotFound(run)
        for (const { step, label, time, text } of events) {
          await on.run(
            `insert into run_events (run, step, label, time, text, version) values (?, ?, ?, ?, ?, ?)
             on conflict (run, step, label) do update
               set time = excluded.time, text = excluded.text, version = excluded.version`,
            run,
            step,
            label,
            time,
            text,
            changed.version,
          )
        }
        const counted = await on.get<{ count: number }>(
          'select count(*) as count from run_events where run = ?',
          run,
        )
        if ((counted?.count ?? 0) > MAX_EVENTS_PER_RUN) {
          throw new TooManyEvents(`A run has at most ${MAX_EVENTS_PER_RUN} events.`)
        }
      }),
    list: async (run, { from = 0, to = MAX_STEP }) => {
      await refuseUnknown(db, run)
      return db.all<RunEvent>(
        'select step, time, label, text from run_events where run = ? and step between ? and ? order by step, label',
        run,
        from,
        to,
      )
    },
  }
}

/** The tables of detection settings. */
export function openSettings(db: Database): SettingsStore {
  /** Where overrides stand, and the column of `runs` that says which runs they concern. */
  const place = (scope: SettingsScope) =>
    'project' in scope
      ? { table: 'project_settings', column: 'project', runs: 'project', owner: scope.project }
      : { table: 'run_settings', column: 'run', runs: 'id', owner: scope.run }
  return {
    get: async (scope) => {
      const { table, column, owner } = place(scope)
      if ('run' in scope) await refuseUnknown(db, scope.run)
      const row = await db.get<{ overrides: string }>(
        `select overrides from ${table} where ${column} = ?`,
        owner,
      )
      return JSON.parse(row?.overrides ?? '{}') as Overrides
    },
    put: (scope, overrides) =>
      db.transaction(async (on) => {
        const { table, column, runs, owner } = place(scope)
        // first, so that two changes of a project wait here, and not for each other's runs
        await on.run(
          `insert into ${table} (${column}, overrides) values (?, ?)
           on conflict (${column}) do update set overrides = excluded.overrides`,
          owner,
          JSON.stringify(overrides),
        )
        const changed = await on.run(`update runs set ${NEXT_VERSION} where ${runs} = ?`, owner)
        if ('run' in scope && changed === 0) throw new RunNotFound(scope.run)
        await on.run(
          `insert into detections (run, state, through, stale)
           select id, null::text, 0::bigint, 1 from runs where ${runs} = ? and points > 0
           on conflict (run) do update set stale = 1`,
          owner,
        )
      }),
  }
}

/** The tables of tokens and sessions. */
export function openTokens(db: Database): TokenStore {
  const byId = (on: Statements, id: string) => on.get<StoredToken>('select * from tokens where id = ?', id)
  /** One at a time, so that what the count allows holds. */
  const insert = (token: StoredToken, allows: (count: number) => boolean): Promise<boolean> =>
    db.transaction(async (on) => {
      await on.run('lock table tokens in share row exclusive mode')
      const counted = await on.get<{ count: number }>('select count(*) as count from tokens')
      if (!allows(counted?.count ?? 0)) return false
      await on.run(
        `insert into tokens (${TOKEN_COLUMNS.join(', ')}) values (${TOKEN_COLUMNS.map(() => '?').join(', ')})`,
        ...TOKEN_COLUMNS.map((column) => token[column]),
      )
      return true
    })
  return {
    ...openSessions(db),
    any: async () => (await db.get('select 1 from tokens limit 1')) !== undefined,
    byHash: (hash) => db.get<StoredToken>('select * from tokens where hash = ?', hash),
    byId: (id) => byId(db, id),
    list: () => db.all<StoredToken>('select * from tokens order by created_at, id'),

    create: async (token) => {
      if (await insert(token, (count) => count < MAX_TOKENS)) return
      throw new TooManyTokens(`There are at most ${MAX_TOKENS} tokens, revoked ones included.`)
    },
    createFirst: (token) => insert(token, (count) => count === 0),
    revoke: (id, now) =>
      db.transaction(async (on) => {
        const revoked = 'update tokens set revoked_at = coalesce(revoked_at, ?) where id = ?'
        if ((await on.run(revoked, now, id)) === 0) throw new TokenNotFound(`There is no token "${id}".`)
        await on.run('delete from sessions where token = ?', id)
        return (await byId(on, id)) as StoredToken
      }),
    used: async (id, now) => void (await db.run('update tokens set last_used_at = ? where id = ?', now, id)),
  }
}
