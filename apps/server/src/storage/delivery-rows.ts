import type { DeliveryState, EventType } from '@normwatch/protocol'
import type { QueuedEvent, RunFacts, StoredDelivery } from './alert-store.ts'
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
