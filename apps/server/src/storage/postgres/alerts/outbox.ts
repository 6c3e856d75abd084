import { randomUUID } from 'node:crypto'
import { MAX_EVENTS_PER_MESSAGE, type EventType } from '@normwatch/protocol'
import { factsOf, NEVER } from '../../delivery-rows.ts'
import type { AlertOptions } from '../../alert-store.ts'
import type { StoredFinding, StoredRun } from '../../store.ts'
import type { Statements } from '../database.ts'
import { findingOf } from '../findings.ts'
import type { RecordedChanges } from '../run-units.ts'
import { allChannels, mutesInForce } from './channels.ts'

interface Opening {
  readonly event: number
  readonly delivery: number
  readonly channel: string
  /** While its delivery is still open to events and may give them back. */
  readonly waits: boolean
  /** The id of its delivery while that is pending. */
  readonly pending: string | null
}
interface NewEvent {
  readonly channel: string
  readonly due_at: number
  /** The mute or the delivery whose end it waits for; only what waits for the same shares a delivery. */
  readonly hold: string | null
}

/** The key of the lock that a transaction holds from its first delivery to its end. */
const QUEUEING = 0x6e6f7271

/** One transaction at a time queues: else two that are under way would not see each other's delivery, which they are to share. */
const lockQueue = (on: Statements) => on.run('select pg_advisory_xact_lock(?)', QUEUEING)

/**
 * Writes deliveries in the transaction that writes their finding, by the same rules as SQLite's outbox. Deliveries that
 * events are added to or taken from are locked: nobody claims them meanwhile.
 */
export function openOutbox({ rules, now: clock }: Required<AlertOptions>) {
  async function add(
    on: Statements,
    { channel, due_at, hold }: NewEvent,
    type: EventType,
    finding: StoredFinding,
    run: StoredRun,
    now: number,
  ): Promise<void> {
    const queued = await on.get(
      'select 1 from delivery_events where finding = ? and channel = ? and type = ?',
      finding.id,
      channel,
      type,
    )
    if (queued !== undefined) return
    const group = await on.get<{ key: number }>(
      `select key from deliveries where channel = ? and state = 'pending' and tries = 0 and due_at > ?
       and hold is not distinct from ? and event_count < ? order by key desc limit 1 for update`,
      channel,
      now,
      hold,
      MAX_EVENTS_PER_MESSAGE,
    )
    const { key } =
      group ??
      ((await on.get<{ key: number }>(
        `insert into deliveries (id, channel, state, hold, due_at, leased_until, tries, event_count, created_at)
         values (?, ?, 'pending', ?, ?, 0, 0, 0, ?) returning key`,
        `msg_${randomUUID()}`,
        channel,
        hold,
        due_at,
        now,
      )) as { key: number })
    await on.run(
      `insert into delivery_events (delivery, channel, finding, run, type, at, finding_record, run_record)
       values (?, ?, ?, ?, ?, ?, ?, ?)`,
      key,
      channel,
      finding.id,
      run.id,
      type,
      now,
      JSON.stringify(finding),
      JSON.stringify(factsOf(run, finding.part)),
    )
    await on.run('update deliveries set event_count = event_count + 1 where key = ?', key)
  }

  async function takeBack(on: Statements, { event, delivery }: Opening): Promise<void> {
    await on.run('delete from delivery_events where key = ?', event)
    await on.run('update deliveries set event_count = event_count - 1 where key = ?', delivery)
    await on.run('delete from deliveries where key = ? and event_count = 0', delivery)
  }

  async function opened(on: Statements, finding: StoredFinding, run: StoredRun): Promise<void> {
    const channels = await allChannels(on)
    if (rules.routes(finding, run, channels, [], clock()).length === 0) return
    await lockQueue(on)
    const now = clock()
    for (const route of rules.routes(finding, run, channels, await mutesInForce(on, now), now)) {
      await add(on, { ...route, hold: route.mute }, 'finding.opened', finding, run, now)
    }
  }

  async function closed(on: Statements, finding: StoredFinding, run: StoredRun): Promise<void> {
    if ((await on.get('select 1 from delivery_events where finding = ?', finding.id)) === undefined) return
    await lockQueue(on)
    const now = clock()
    const openings = await on.all<Opening>(
      `select e.key as event, e.delivery, e.channel, d.state = 'pending' and d.tries = 0 and d.due_at > ? as waits,
         case d.state when 'pending' then d.id end as pending
       from delivery_events e join deliveries d on d.key = e.delivery
       where e.finding = ? and e.type = 'finding.opened' order by d.key for update of d`,
      now,
      finding.id,
    )
    const channels = await allChannels(on)
    const enabled = new Set(channels.flatMap(({ id, enabled }) => (enabled ? id : [])))
    for (const opening of openings) {
      const { channel } = opening
      if (opening.waits) await takeBack(on, opening)
      else if (enabled.has(channel)) {
        // A receiver must not get the closing before the opening, however long the opening is being retried.
        const due_at = opening.pending === null ? rules.dueAt(now) : NEVER
        await add(on, { channel, due_at, hold: opening.pending }, 'finding.closed', finding, run, now)
      }
    }
  }

  return {
    /** Queues notifications of findings that this transaction opens or closes. */
    async tell(on: Statements, { told, run }: RecordedChanges): Promise<void> {
      for (const change of told) {
        if (change.type === 'opened') await opened(on, change.finding, run)
        else {
          const finding = await findingOf(on, run.id, change.id)
          if (finding !== undefined) await closed(on, finding, run)
        }
      }
    },

    /** A reminder to one channel, unless a mute covers the finding now or the channel's filters no longer match. */
    async reminder(
      on: Statements,
      channel: string,
      finding: StoredFinding,
      run: StoredRun,
      now: number,
    ): Promise<void> {
      const channels = (await allChannels(on)).filter(({ id }) => id === channel)
      const [route] = rules.routes(finding, run, channels, await mutesInForce(on, now), now)
      if (route !== undefined && route.mute === null) {
        await lockQueue(on)
        await add(on, { ...route, hold: null }, 'finding.reminder', finding, run, now)
      }
    },
  }
}
