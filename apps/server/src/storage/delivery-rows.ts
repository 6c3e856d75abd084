import { MAX_EVENTS_LISTED, type DeliveryState, type EventType } from '@normwatch/protocol'
import type { DeliveryQuery, QueuedEvent, RunFacts, StoredDelivery } from './alert-store.ts'
import { among, given, where, type Likeness } from './list-query.ts'
import { BadCursor, type StoredFinding, type StoredRun } from './store.ts'

/** The due time of a delivery that waits for another one: the latest instant possible. */
export const NEVER = 8.64e15

/** A delivery as the table has it. */
export interface DeliveryRow {
  readonly key: number
  readonly id: string
  readonly channel: string
  readonly state: DeliveryState
  readonly hold: string | null
  readonly due_at: number
  readonly leased_until: number
  readonly claim: string | null
  readonly tries: number
  readonly event_count: number
  readonly created_at: number
  readonly last_try_at: number | null
  readonly status: number | null
  readonly error: string | null
  readonly response: string | null
}

/** An event of a delivery as the table has it. */
export interface EventRow {
  readonly type: EventType
  readonly at: number
  readonly finding: string
  readonly run: string
  readonly finding_record: string
  readonly run_record: string
}

/**
 * The fields of a run that messages show: its configuration and notes may be large or private. For a finding of a part,
 * how that part clips.
 */
export function factsOf({ id, name, project, ...run }: StoredRun, part: string | null): RunFacts {
  const { clip, clipping } = run.parts.find((one) => one.name === part) ?? run
  return { id, name, project, clip, clipping }
}

export const eventOf = ({ type, at, finding_record, run_record }: EventRow): QueuedEvent => ({
  type,
  at,
  finding: findingIn(finding_record),
  run: JSON.parse(run_record) as RunFacts,
})

/** The finding of a queued event. Those that an older version queued have their instants in ISO 8601, no part and no explanation. */
function findingIn(record: string): StoredFinding {
  const finding = JSON.parse(record) as StoredFinding & { opened_at: unknown; closed_at: unknown }
  const { opened_at, closed_at } = finding
  return {
    ...finding,
    part: finding.part ?? null,
    moved: finding.moved ?? [],
    events: finding.events ?? [],
    layers: finding.layers ?? [],
    sibling: finding.sibling ?? null,
    explained: finding.explained ?? true,
    opened_at: typeof opened_at === 'string' ? Date.parse(opened_at) : opened_at,
    closed_at: typeof closed_at === 'string' ? Date.parse(closed_at) : closed_at,
  }
}

export interface DeliveryDialect {
  readonly like: Likeness
  /** The kind of the finding in `finding_record`. */
  readonly kind: string
}

/** The run of an event `e`: not one that was made with the same id after the event's own was deleted. */
const OF_RUN = 'join runs on runs.id = e.run and runs.created_at <= e.at'

/**
 * A statement that lists deliveries, the newest first; one for the first events of each that the query may see, and
 * where that may not be all, one that counts them. Values are `?`; those of the last two begin with the delivery's key.
 */
export function deliveriesQuery(dialect: DeliveryDialect, query: DeliveryQuery) {
  const { channel, run, finding, state, projects, limit, cursor } = query
  const visible = among(dialect.like, 'runs.project', projects)
  const events = `from delivery_events e ${visible ? OF_RUN : ''}`
  const isAsked = where([given('e.run = ?', run), given('e.finding = ?', finding), visible])
  const ofOne = where([given('e.delivery = ?', 0), visible])
  const filter = where([
    given('key < ?', cursor === undefined ? Number.MAX_SAFE_INTEGER : deliveryCursor(cursor)),
    given('channel = ?', channel),
    given('state = ?', state),
    // few deliveries concern one run or finding; else each is looked at, the newest first, until the page is full
    run !== undefined || finding !== undefined
      ? { ...isAsked, sql: `key in (select e.delivery ${events} ${isAsked.sql})` }
      : visible && {
          ...visible,
          sql: `exists (select 1 from delivery_events e ${OF_RUN} where e.delivery = deliveries.key
            and ${visible.sql})`,
        },
  ])
  const [, ...values] = ofOne.values
  return {
    page: {
      sql: `select * from deliveries ${filter.sql} order by key desc limit ?`,
      values: [...filter.values, limit + 1],
    },
    events: {
      sql: `select e.type, e.finding, ${dialect.kind} as kind, e.run ${events} ${ofOne.sql} order by e.key limit ?`,
      values: [...values, MAX_EVENTS_LISTED],
    },
    count: visible && { sql: `select count(*) as count ${events} ${ofOne.sql}`, values },
    /** The answer of the receiver, and how many events there are, where the query may see only some. */
    seen: (row: DeliveryRow, count: number | undefined): DeliveryRow =>
      count === undefined ? row : { ...row, event_count: count, response: null },
  }
}

/** A delivery as lists show it, with the first of its events. */
export const shownDelivery = (
  row: DeliveryRow,
  events: StoredDelivery['events'],
  now: number,
): StoredDelivery => ({
  id: row.id,
  channel: row.channel,
  state: row.state,
  events,
  event_count: row.event_count,
  created_at: row.created_at,
  next_try_at: row.state === 'pending' && row.due_at < NEVER ? row.due_at : null,
  muted: row.state === 'pending' && row.due_at > now && (row.hold?.startsWith('mute_') ?? false),
  tries: row.tries,
  last_try_at: row.last_try_at,
  status: row.status,
  error: row.error,
  response: row.response,
})

/** The key where a page of deliveries ended. Throws `BadCursor`. */
export function deliveryCursor(cursor: string): number {
  if (!/^[1-9][0-9]{0,15}$/.test(cursor)) throw new BadCursor('Invalid cursor.')
  return Number(cursor)
}
