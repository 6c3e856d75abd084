import { randomUUID } from 'node:crypto'
import { MAX_EVENTS_LISTED } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import { glob } from '../engine/glob.ts'
import {
  DeliveryNotFound,
  type ClaimOptions,
  type ClaimedDelivery,
  type DeliveryQuery,
  type Settlement,
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
import type { ChannelTable } from './channels.ts'

type Value = string | number
const dialect = { like: glob, kind: "e.finding_record ->> '$.kind'" }

interface Reminder {
  readonly channel: string
  readonly finding: string
  readonly run: string
}

/** Most reminders that one call of `remind` queues. */
const REMINDED_AT_ONCE = 500
/** The table of deliveries as a queue: claims, tries, reminders. Synchronous: callers run writes in their units. */
export function openDeliveries(db: Database, channels: ChannelTable) {
  const selectDue = db.prepare<[{ channel: string; now: number }], DeliveryRow>(
    `select * from deliveries where channel = @channel and state = 'pending' and due_at <= @now and leased_until <= @now
     order by due_at, key limit 1`,
  )
  const lease = db.prepare<[number, string, number]>(
    'update deliveries set leased_until = ?, claim = ?, tries = tries + 1 where key = ?',
  )
  const selectEvents = db.prepare<[number, number], EventRow>(
    `select type, at, finding, run, finding_record, run_record from delivery_events where delivery = ?
     order by key limit ?`,
  )
  const settle = db.prepare<[Settlement & { id: string; claim: string; now: number }], { channel: string }>(
    `update deliveries set state = @state, due_at = coalesce(@due_at, due_at), leased_until = 0, last_try_at = @now,
     status = @status, error = @error, response = @response where id = @id and claim = @claim returning channel`,
  )
  const failPending = db.prepare<[string]>(
    `update deliveries set state = 'failed', error = 'The channel was disabled.' where channel = ? and state = 'pending'`,
  )
  const release = db.prepare<[number, string]>(
    `update deliveries set due_at = ?, hold = null where hold = ? and state = 'pending'`,
  )
  const selectNext = db
    .prepare<[number], number | null>(
      `select min(max(due_at, leased_until)) from deliveries
       where state = 'pending' and max(due_at, leased_until) > ? and due_at < ${NEVER}`,
    )
    .pluck()
  const restartWaits = db.prepare<[{ now: number }]>(
    `update deliveries set due_at = @now + due_at - max(created_at, coalesce(last_try_at, 0)),
       created_at = min(created_at, @now), last_try_at = min(last_try_at, @now)
     where state = 'pending' and hold is null and max(created_at, coalesce(last_try_at, 0)) > @now`,
  )
  const selectQueue = db.prepare<[number], { due: number; oldest_due_at: number | null }>(
    `select count(*) as due, min(due_at) as oldest_due_at from deliveries where state = 'pending' and due_at <= ?`,
  )
  // From the open findings, which are few, and not from the events, which are many.
  const selectReminders = db.prepare<[{ now: number; limit: number }], Reminder>(
    `select e.channel, e.finding, e.run from findings f
     cross join delivery_events e on e.finding = f.id and e.type = 'finding.opened'
     join deliveries d on d.key = e.delivery and d.state <> 'pending'
     join channels c on c.id = e.channel
     join runs r on r.key = f.run
     where f.state = 'open' and c.enabled = 1 and e.at <= @now - c.remind_hours * 3600000 and not exists (
       select 1 from delivery_events x
       where x.finding = e.finding and x.channel = e.channel and x.type = 'finding.reminder')
     limit @limit`,
  )
  // Only one process holds the data, so leases of a former process are void.
  db.exec("update deliveries set leased_until = 0, claim = null where state = 'pending' and leased_until > 0")

  return {
    claim({ now, leaseMs, limit, except }: ClaimOptions): ClaimedDelivery[] {
      const due = channels
        .all()
        .filter(({ id, enabled }) => enabled && !except.includes(id))
        .flatMap((channel) => {
          const row = selectDue.get({ channel: channel.id, now })
          return row === undefined ? [] : [{ channel, row }]
        })
        .sort((a, b) => a.row.due_at - b.row.due_at)
      return due.slice(0, limit).map(({ channel, row }) => {
        const claim = randomUUID()
        lease.run(now + leaseMs, claim, row.key)
        return {
          id: row.id,
          claim,
          channel,
          tries: row.tries + 1,
          events: selectEvents.all(row.key, -1).map(eventOf),
        }
      })
    },
    settle(
      { id, claim }: Pick<ClaimedDelivery, 'id' | 'claim'>,
      settlement: Settlement,
      now: number,
    ): boolean {
      const { disable } = settlement
      const settled = settle.get({ ...settlement, id, claim, now })
      if (settled === undefined) return false
      channels.tried(settled.channel, settlement.error, now)
      if (disable !== null)
        channels.change(settled.channel, { enabled: false, disabled_reason: disable }, now)
      if (settlement.state !== 'pending') release.run(now, id)
      if (!channels.get(settled.channel).enabled) failPending.run(settled.channel)
      return true
    },
    failPending: (channel: string): void => void failPending.run(channel),
    /** What waits for this mute or delivery is due. */
    release: (hold: string, now: number): void => void release.run(now, hold),
    restartWaits: (now: number): void => void restartWaits.run({ now }),
    nextDue: (now: number): number | null => selectNext.get(now) ?? null,
    /** Openings that were queued for so long and whose findings are still open; without those reminded of already. */
    remindersDue(now: number): Reminder[] {
      const isWanted = channels.all().some(({ enabled, remind_hours }) => enabled && remind_hours !== null)
      return isWanted ? selectReminders.all({ now, limit: REMINDED_AT_ONCE }) : []
    },
    queue: (now: number) => selectQueue.get(now) ?? { due: 0, oldest_due_at: null },
  }
}
export type DeliveryTable = ReturnType<typeof openDeliveries>

/** Most rows that one call of `prune`, or of `removeSettled`, removes. */
const REMOVED_AT_ONCE = 1_000

/** The table of deliveries as a log: lists, redelivery, clean-up. Synchronous, as `openDeliveries`. */
export function openDeliveryLog(db: Database) {
  const selectNamed = db.prepare<[number, number], StoredDelivery['events'][number]>(
    `select type, finding, finding_record ->> '$.kind' as kind, run from delivery_events
     where delivery = ? order by key limit ?`,
  )
  const selectOne = db.prepare<[string], DeliveryRow>('select * from deliveries where id = ?')
  const again = db.prepare<[number, string]>(
    `update deliveries set state = 'pending', due_at = ?, leased_until = 0, claim = null, tries = 0, hold = null where id = ?`,
  )
  const selectOld = db
    .prepare<[number, number], number>(
      `select key from deliveries where created_at < ? and state <> 'pending' and not exists (
         select 1 from delivery_events e join findings f on f.id = e.finding and f.state = 'open'
         where e.delivery = deliveries.key)
       order by created_at limit ?`,
    )
    .pluck()
  const removeEvents = db.prepare<[number]>('delete from delivery_events where delivery = ?')
  const remove = db.prepare<[number]>('delete from deliveries where key = ?')
  const selectOfChannel = db.prepare<[string], number>('select key from deliveries where channel = ?').pluck()
  const selectSettled = db
    .prepare<[string, number], number>(
      "select key from deliveries where channel = ? and state <> 'pending' order by key limit ?",
    )
    .pluck()

  const rowOf = (id: string): DeliveryRow => {
    const row = selectOne.get(id)
    if (row === undefined) throw new DeliveryNotFound(`There is no delivery "${id}".`)
    return row
  }
  const removeAll = (keys: readonly number[]) => {
    for (const key of keys) {
      removeEvents.run(key)
      remove.run(key)
    }
  }
  const shown = (row: DeliveryRow, now: number): StoredDelivery =>
    shownDelivery(row, selectNamed.all(row.key, MAX_EVENTS_LISTED), now)
  const list = (query: DeliveryQuery, now: number) => {
    const sql = deliveriesQuery(dialect, query)
    const rows = db.prepare<Value[], DeliveryRow>(sql.page.sql).all(...sql.page.values)
    const events = db.prepare<Value[], StoredDelivery['events'][number]>(sql.events.sql)
    const count = sql.count && db.prepare<Value[], number>(sql.count.sql).pluck()
    const page = rows.slice(0, query.limit)
    const last = page.at(-1)
    return {
      deliveries: page.map((row) => {
        const seen = sql.seen(row, count?.get(row.key, ...(sql.count?.values ?? [])))
        return shownDelivery(seen, events.all(row.key, ...sql.events.values), now)
      }),
      next_cursor: rows.length > query.limit && last !== undefined ? String(last.key) : null,
    }
  }

  return {
    list,
    get: (id: string, now: number): StoredDelivery => shown(rowOf(id), now),
    /** One that is being tried now stays as it is. */
    redeliver(id: string, now: number): StoredDelivery {
      const { state, leased_until } = rowOf(id)
      if (state !== 'pending' || leased_until <= now) again.run(now, id)
      return shown(rowOf(id), now)
    },
    removeOfChannel: (channel: string): void => removeAll(selectOfChannel.all(channel)),
    /** Removes some of a channel's deliveries that have ended; says whether there may be more. */
    removeSettled(channel: string): boolean {
      const keys = selectSettled.all(channel, REMOVED_AT_ONCE)
      removeAll(keys)
      return keys.length === REMOVED_AT_ONCE
    },
    prune: (before: number): void => removeAll(selectOld.all(before, REMOVED_AT_ONCE)),
  }
}
export type DeliveryLog = ReturnType<typeof openDeliveryLog>
