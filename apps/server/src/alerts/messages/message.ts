import type { EventRun, Finding, WebhookBody } from '@normwatch/protocol'
import type { QueuedEvent } from '../../storage/alert-store.ts'
import { toFinding } from '../../storage/to-wire.ts'

type MessageType = WebhookBody['type']

export interface MessageEvent {
  readonly type: QueuedEvent['type']
  readonly finding: Finding
  readonly run: EventRun
}

/** The content of a message, before its kind formats it. The same on every attempt of a delivery. */
export interface Message {
  /** The same on all attempts, so that receivers can ignore repeats. */
  readonly id: string
  readonly type: MessageType
  /** When the last of the events happened, ISO 8601. */
  readonly timestamp: string
  /** At least one. */
  readonly events: readonly [MessageEvent, ...MessageEvent[]]
}

/** Page of a run; `publicUrl` is where the operator's readers reach this server. */
const runUrl = (publicUrl: string, run: string) =>
  `${publicUrl.replace(/\/+$/, '')}/runs/${encodeURIComponent(run)}`

/** The message of a delivery. `events` as the store gives them: at least one, oldest first. */
export function messageOf(id: string, events: readonly QueuedEvent[], publicUrl: string): Message {
  const [first, ...rest] = events.map(({ type, finding, run }) => ({
    type,
    finding: toFinding(finding),
    run: { ...run, url: runUrl(publicUrl, run.id) },
  }))
  if (first === undefined) throw new Error(`Delivery ${id} has no event.`)
  return {
    id,
    type: rest.length === 0 ? first.type : 'finding.group',
    timestamp: new Date(Math.max(...events.map(({ at }) => at))).toISOString(),
    events: [first, ...rest],
  }
}

/** An example that looks like a real opening, for the button that tests a channel. */
export function testMessage(id: string, publicUrl: string, now: number): Message {
  const at = new Date(now).toISOString()
  const finding: Finding = {
    id: 'test',
    run: 'test',
    part: null,
    kind: 'clip_saturated',
    severity: 'warning',
    state: 'open',
    opened_step: 420,
    onset: 388,
    opened_at: at,
    closed_step: null,
    closed_at: null,
    close_reason: null,
    evidence: { window: 200, rate: 0.95, median_norm: 3.1, max_norm: 1 },
    diagnosis: [],
    moved: [],
    events: [],
    layers: [],
    sibling: null,
  }
  const run: EventRun = {
    id: 'test',
    name: 'Test message, no real run',
    project: 'default',
    url: publicUrl,
    clip: { mode: 'norm', max_norm: 1 },
    clipping: {
      window: 200,
      rate: 0.95,
      rate_total: 0.41,
      mean_coefficient: 0.37,
      current_streak: 33,
      longest_streak: 812,
    },
  }
  return { id, type: 'channel.test', timestamp: at, events: [{ type: 'finding.opened', finding, run }] }
}
