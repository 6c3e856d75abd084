import { randomUUID } from 'node:crypto'
import { MAX_EVENTS_PER_MESSAGE, type EventType } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import type { AlertOptions } from '../../alert-store.ts'
import { factsOf, NEVER } from '../../delivery-rows.ts'
import type { FindingChange, StoredFinding, StoredRun } from '../../store.ts'
import type { ChannelTable } from './channels.ts'
import type { MuteTable } from './mutes.ts'

interface Opening {
  readonly event: number
  readonly delivery: number
  readonly channel: string
  /** 1 while its delivery is still open to events and may give them back. */
  readonly waits: 0 | 1
  /** The id of its delivery while that is pending. */
  readonly pending: string | null
}
/** `hold`: the mute or the delivery whose end it waits for; only what waits for the same shares a delivery. */
type NewEvent = Pick<Opening, 'channel'> & { readonly due_at: number; readonly hold: string | null }

/**
 * Writes deliveries in the unit that writes their finding. An opening goes where the rules say, a closing where its
 * opening went; what a channel is told before a common due time shares a delivery. Nothing is queued twice.
 */
export function openOutbox(
  db: Database,
  channels: ChannelTable,
  mutes: MuteTable,
  { rules, now: clock = Date.now }: AlertOptions,
) {
  const selectGroup = db
    .prepare<[string, number, string | null, number], number>(
      `select key from deliveries where channel = ? and state = 'pending' and tries = 0 and due_at > ? and hold is ?
       and event_count < ? order by key desc limit 1`,
    )
    .pluck()
  const insertDelivery = db.prepare<[string, string, string | null, number, number]>(
    `insert into deliveries (id, channel, state, hold, due_at, leased_until, tries, event_count, created_at)
     values (?, ?, 'pending', ?, ?, 0, 0, 0, ?)`,
  )
  const insertEvent = db.prepare<[number, string, string, string, EventType, number, string, string]>(
    `insert into delivery_events (delivery, channel, finding, run, type, at, finding_record, run_record)
     values (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const count = db.prepare<[number, number]>(
    'update deliveries set event_count = event_count + ? where key = ?',
  )
  const isQueued = db
    .prepare<[string, string, EventType], 1>(
      'select 1 from delivery_events where finding = ? and channel = ? and type = ?',
    )
    .pluck()
  const selectOpenings = db.prepare<[number, string], Opening>(
    `select e.key as event, e.delivery, e.channel, d.state = 'pending' and d.tries = 0 and d.due_at > ? as waits,
       case d.state when 'pending' then d.id end as pending
     from delivery_events e join deliveries d on d.key = e.delivery
     where e.finding = ? and e.type = 'finding.opened'`,
  )
  const removeEvent = db.prepare<[number]>('delete from delivery_events where key = ?')
  const removeEmpty = db.prepare<[number]>('delete from deliveries where key = ? and event_count = 0')

  const listeners = new Set<() => void>()
  const tellQueued = () => {
    for (const listener of listeners) listener()
  }
  const add = (
    { channel, due_at, hold }: NewEvent,
    type: EventType,
    finding: StoredFinding,
    run: StoredRun,
    now: number,
  ): void => {
    if (isQueued.get(finding.id, channel, type) !== undefined) return
    const delivery =
      selectGroup.get(channel, now, hold, MAX_EVENTS_PER_MESSAGE) ??
      Number(insertDelivery.run(`msg_${randomUUID()}`, channel, hold, due_at, now).lastInsertRowid)
    const record = JSON.stringify(finding)
    const facts = JSON.stringify(factsOf(run, finding.part))
    insertEvent.run(delivery, channel, finding.id, run.id, type, now, record, facts)
    count.run(1, delivery)
    tellQueued()
  }
  const takeBack = ({ event, delivery }: Opening): void => {
    removeEvent.run(event)
    count.run(-1, delivery)
    removeEmpty.run(delivery)
  }
  const opened = (finding: StoredFinding, run: StoredRun, now: number): void => {
    for (const route of rules.routes(finding, run, channels.all(), mutes.inForce(now), now)) {
      add({ ...route, hold: route.mute }, 'finding.opened', finding, run, now)
    }
  }
  const closed = (finding: StoredFinding, run: StoredRun, now: number): void => {
    const enabled = new Set(channels.all().flatMap(({ id, enabled }) => (enabled ? id : [])))
    for (const opening of selectOpenings.all(now, finding.id)) {
      const { channel } = opening
      if (opening.waits === 1) takeBack(opening)
      else if (enabled.has(channel)) {
        // A receiver must not get the closing before the opening, however long the opening is being retried.
        const due_at = opening.pending === null ? rules.dueAt(now) : NEVER
        add({ channel, due_at, hold: opening.pending }, 'finding.closed', finding, run, now)
      }
    }
  }
  return {
    tellQueued,
    onQueued(listener: () => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(edge: FindingChange['type'], finding: StoredFinding, run: StoredRun): void {
      if (edge === 'opened') opened(finding, run, clock())
      else closed(finding, run, clock())
    },
    /** A reminder to one channel, unless a mute covers the finding now or the channel's filters no longer match. */
    reminder(channel: string, finding: StoredFinding, run: StoredRun, now: number): void {
      const [route] = rules.routes(finding, run, [channels.get(channel)], mutes.inForce(now), now)
      if (route !== undefined && route.mute === null)
        add({ ...route, hold: null }, 'finding.reminder', finding, run, now)
    },
  }
}
export type Outbox = ReturnType<typeof openOutbox>
