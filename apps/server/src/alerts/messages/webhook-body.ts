import type { WebhookBody } from '@normwatch/protocol'
import type { Message } from './message.ts'

/** The body of a generic webhook: one event as it is, several as a `finding.group`. */
export function webhookBody({ type, timestamp, events }: Message): WebhookBody {
  if (type === 'finding.group')
    return { type, timestamp, data: { events: events.map((event) => ({ ...event })) } }
  const { finding, run } = events[0]
  return { type, timestamp, data: { finding, run } }
}
