import { randomUUID } from 'node:crypto'
import { MAX_EVENTS_LISTED } from '@normwatch/protocol'
import {
  DeliveryNotFound,
  type DeliveryQuery,
  type DeliveryStore,
  type StoredDelivery,
} from '../../alert-store.ts'
import {
  deliveriesQuery,
  eventOf,
  NEVER,
  shownDelivery,
  type DeliveryRow,
  type EventRow,
} from '../../delivery-rows.ts'
import type { StoredRun } from '../../store.ts'
import type { Database, Statements, Value } from '../database.ts'
import { findingOf } from '../findings.ts'
import { like } from '../like.ts'
import { allChannels, channelTried } from './channels.ts'
import type { openOutbox } from './outbox.ts'

const dialect = { like, kind: "e.finding_record::json ->> 'kind'" }

/** Most reminders that one call of `remind` queues, and most rows that one call of `prune` removes. */
const REMINDED_AT_ONCE = 500
const PRUNED_AT_ONCE = 1_000
/** Read before they meet other tables: Citus joins no distributed table with one of the coordinator. */
const OPEN_FINDINGS = `select id from findings where state = 'open'`

export const failPending = (on: Statements, channel: string): Promise<number> =>
  on.run(
    `update deliveries set state = 'failed', error = 'The channel was disabled.' where channel = ? and state = 'pending'`,
    channel,
  )

/** What waits for this mute or delivery is due. */
export const release = (on: Statements, hold: string, now: number): Promise<number> =>
  on.run(`update deliveries set due_at = ?, hold = null where hold = ? and state = 'pending'`, now, hold)

/** Removes the deliveries that a condition names, with their events. */
export async function removeDeliveries(on: Statements, condition: string, ...values: Value[]): Promise<void> {
  await on.run(
    `with gone as (delete from deliveries where ${condition} returning key)
     delete from delivery_events where delivery in (select key from gone)`,
    ...values,
  )
}

export interface DeliveryOptions {
  readonly db: Database
  readonly outbox: ReturnType<typeof openOutbox>
  readonly tellQueued: () => void
  readonly onQueued: DeliveryStore['onQueued']
  readonly runOf: (id: string) => Promise<StoredRun>
}

export function openDeliveryStore({
  db,
  outbox,
  tellQueued,
  onQueued,
  runOf,
}: DeliveryOptions): DeliveryStore {
  async function shown(on: Statements, row: DeliveryRow, now: number): Promise<StoredDelivery> {
    const events = await on.all<StoredDelivery['events'][number]>(
      `select type, finding, finding_record::json ->> 'kind' as kind, run from delivery_events
       where delivery = ? order by key limit ?`,
      row.key,
      MAX_EVENTS_LISTED,
    )
    return shownDelivery(row, events, now)
  }

  async function one(on: Statements, id: string): Promise<DeliveryRow> {
    const row = await on.get<DeliveryRow>('select * from deliveries where id = ?', id)
    if (row === undefined) throw new DeliveryNotFound(`There is no delivery "${id}".`)
    return row
  }

  async function list(query: DeliveryQuery, now: number) {
    const { page: asked, events, count, seen } = deliveriesQuery(dialect, query)
    const rows = await db.all<DeliveryRow>(asked.sql, ...asked.values)
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    const deliveries: StoredDelivery[] = []
    for (const row of page) {
      const counted = count && (await db.get<{ count: number }>(count.sql, row.key, ...count.values))
      const listed = await db.all<StoredDelivery['events'][number]>(events.sql, row.key, ...events.values)
      deliveries.push(shownDelivery(seen(row, counted?.count), listed, now))
    }
    return {
      deliveries,
      next_cursor: rows.length > query.limit && last !== undefined ? String(last.key) : null,
    }
  }

  return {
    onQueued,

    // One statement, so that looking costs little while nothing is due.
    claim: async ({ now, leaseMs, limit, except }) => {
      const claim = randomUUID()
      const rows = await db.all<DeliveryRow>(
        `with due as (
           select one.key, one.due_at from channels cross join lateral (
             select key, due_at from deliveries
             where channel = channels.id and state = 'pending' and due_at <= ? and leased_until <= ?
             order by due_at, key limit 1 for update skip locked
           ) one
           where channels.enabled and channels.id <> all (?::text[])
           order by one.due_at, one.key limit ?
         )
         update deliveries set leased_until = ?, claim = ?, tries = tries + 1
         from due where deliveries.key = due.key returning deliveries.*`,
        now,
        now,
        except,
        limit,
        now + leaseMs,
        claim,
      )
      if (rows.length === 0) return []
      const channels = new Map((await allChannels(db)).map((channel) => [channel.id, channel]))
      const events = await db.all<EventRow & { delivery: number }>(
        `select delivery, type, at, finding, run, finding_record, run_record from delivery_events
         where delivery = any (?::bigint[]) order by key`,
        rows.map(({ key }) => key),
      )
      return rows
        .sort((a, b) => a.due_at - b.due_at || a.key - b.key)
        .flatMap(({ id, key, channel: name, tries }) => {
          const channel = channels.get(name)
          // removed with its deliveries meanwhile
          if (channel === undefined) return []
          const own = events.filter(({ delivery }) => delivery === key)
          return [{ id, claim, channel, tries, events: own.map(eventOf) }]
        })
    },

    settle: ({ id, claim }, { state, due_at, status, error, response, disable }, now) =>
      db.transaction(async (on) => {
        const settled = await on.get<{ channel: string }>(
          `update deliveries set state = ?, due_at = coalesce(?, due_at), leased_until = 0, last_try_at = ?,
           status = ?, error = ?, response = ? where id = ? and claim = ? returning channel`,
          state,
          due_at,
          now,
          status,
          error,
          response,
          id,
          claim,
        )
        if (settled === undefined) return false
        const channel = await channelTried(on, settled.channel, { error, disable }, now)
        if (state !== 'pending') await release(on, id, now)
        if (channel?.enabled === false) await failPending(on, settled.channel)
        return true
      }),

    restartWaits: async (now) => {
      await db.run(
        `update deliveries set due_at = ?::bigint + due_at - greatest(created_at, last_try_at),
           created_at = least(created_at, ?), last_try_at = case when last_try_at is not null then least(last_try_at, ?) end
         where state = 'pending' and hold is null and greatest(created_at, last_try_at) > ?`,
        now,
        now,
        now,
        now,
      )
    },

    nextDue: async (now) => {
      const next = await db.get<{ at: number | null }>(
        `select min(greatest(due_at, leased_until)) as at from deliveries
         where state = 'pending' and greatest(due_at, leased_until) > ? and due_at < ?`,
        now,
        NEVER,
      )
      return next?.at ?? null
    },

    // From the open findings, which are few, and not from the events, which are many.
    remind: async (now) => {
      const due = await db.all<{ channel: string; finding: string; run: string }>(
        `with open as materialized (${OPEN_FINDINGS})
         select e.channel, e.finding, e.run from open
         join delivery_events e on e.finding = open.id and e.type = 'finding.opened'
         join deliveries d on d.key = e.delivery and d.state <> 'pending'
         join channels c on c.id = e.channel
         where c.enabled and e.at <= ? - c.remind_hours * 3600000 and not exists (
           select 1 from delivery_events x
           where x.finding = e.finding and x.channel = e.channel and x.type = 'finding.reminder')
         limit ?`,
        now,
        REMINDED_AT_ONCE,
      )
      for (const { channel, finding, run } of due) {
        const facts = await runOf(run).catch(() => undefined)
        if (facts === undefined) continue
        await db.transaction(async (on) => {
          // neither another server's reminder nor the closing comes between
          await on.run('select 1 from findings where run = ? and id = ? for update', run, finding)
          const record = await findingOf(on, run, finding)
          if (record?.state === 'open') await outbox.reminder(on, channel, record, facts, now)
        })
      }
      if (due.length > 0) tellQueued()
    },

    list,
    get: async (id, now) => shown(db, await one(db, id), now),
    redeliver: async (id, now) => {
      const delivery = await db.transaction(async (on) => {
        await one(on, id)
        // one that is being tried now stays as it is
        await on.run(
          `update deliveries set state = 'pending', due_at = ?, leased_until = 0, claim = null, tries = 0, hold = null
           where id = ? and (state <> 'pending' or leased_until <= ?)`,
          now,
          id,
          now,
        )
        return shown(on, await one(on, id), now)
      })
      tellQueued()
      return delivery
    },
    queue: async (now) =>
      (await db.get<{ due: number; oldest_due_at: number | null }>(
        `select count(*) as due, min(due_at) as oldest_due_at from deliveries where state = 'pending' and due_at <= ?`,
        now,
      )) ?? { due: 0, oldest_due_at: null },
    prune: async (before) => {
      const old = await db.all<{ key: number }>(
        `with open as materialized (${OPEN_FINDINGS})
         select key from deliveries where created_at < ? and state <> 'pending' and not exists (
           select 1 from delivery_events e join open on open.id = e.finding where e.delivery = deliveries.key)
         order by created_at limit ?`,
        before,
        PRUNED_AT_ONCE,
      )
      if (old.length === 0) return
      // one may have been sent again meanwhile
      const keys = old.map(({ key }) => key)
      await removeDeliveries(db, `key = any(?::bigint[]) and state <> 'pending'`, keys)
    },
  }
}
