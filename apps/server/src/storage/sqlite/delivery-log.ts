import { MAX_EVENTS_LISTED, type Delivery } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import { DeliveryNotFound, type DeliveryQuery } from '../alert-store.ts'
import { BadCursor } from '../store.ts'
import type { DeliveryRow } from './deliveries.ts'
import { NEVER } from './outbox.ts'

/** Rows that one call of `prune` removes at the most. */
const PRUNED_AT_ONCE = 1_000

/** The table of deliveries as a log, for those who read it and tidy it up. Synchronous, as `deliveries.ts`. */
export function openDeliveryLog(db: Database) {
  const selectNamed = db.prepare<[number, number], Delivery['events'][number]>(
    `select type, finding, finding_record ->> '$.kind' as kind, run from delivery_events
     where delivery = ? order by key limit ?`,
  )
  const selectPage = db.prepare<[object], DeliveryRow>(
    `select * from deliveries where key < @before
     and (@channel is null or channel = @channel) and (@state is null or state = @state)
     and (@run is null or key in (select delivery from delivery_events where run = @run))
     and (@finding is null or key in (select delivery from delivery_events where finding = @finding))
     order by key desc limit @limit`,
  )
  const selectOne = db.prepare<[string], DeliveryRow>('select * from deliveries where id = ?')
  const again = db.prepare<[number, string]>(
    `update deliveries set state = 'pending', due_at = ?, leased_until = 0, tries = 0, hold = null where id = ?`,
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
  const shown = (row: DeliveryRow, now: number): Delivery => ({
    id: row.id,
    channel: row.channel,
    state: row.state,
    events: selectNamed.all(row.key, MAX_EVENTS_LISTED),
    event_count: row.event_count,
    created_at: iso(row.created_at),
    next_try_at: row.state === 'pending' && row.due_at < NEVER ? iso(row.due_at) : null,
    muted: row.state === 'pending' && row.due_at > now && (row.hold?.startsWith('mute_') ?? false),
    tries: row.tries,
    last_try_at: row.last_try_at === null ? null : iso(row.last_try_at),
    status: row.status,
    error: row.error,
    response: row.response,
  })
  const list = (query: DeliveryQuery, now: number) => {
    const { channel = null, run = null, finding = null, state = null, limit, cursor } = query
    const before = cursor === undefined ? Number.MAX_SAFE_INTEGER : keyOf(cursor)
    const rows = selectPage.all({ channel, run, finding, state, before, limit: limit + 1 })
    const page = rows.slice(0, limit)
    const last = page.at(-1)
    return {
      deliveries: page.map((row) => shown(row, now)),
      next_cursor: rows.length > limit && last !== undefined ? String(last.key) : null,
    }
  }

  return {
    list,
    get: (id: string, now: number): Delivery => shown(rowOf(id), now),
    /** One that is being tried now stays as it is. */
    redeliver(id: string, now: number): Delivery {
      const { state, leased_until } = rowOf(id)
      if (state !== 'pending' || leased_until <= now) again.run(now, id)
      return shown(rowOf(id), now)
    },
    removeOfChannel: (channel: string): void => removeAll(selectOfChannel.all(channel)),
    prune: (before: number): void => removeAll(selectOld.all(before, PRUNED_AT_ONCE)),
  }
}

const iso = (ms: number) => new Date(ms).toISOString()

function keyOf(cursor: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(cursor)) throw new BadCursor('The cursor is none of this list.')
  return Number(cursor)
}
