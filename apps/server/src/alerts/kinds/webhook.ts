import type { WebhookBody } from '@normwatch/protocol'
import type { Message } from '../messages/message.ts'
import { liveSecrets, signedHeaders } from '../signature.ts'
import { httpKind } from './http-kind.ts'

export const webhook = httpKind({
  body: webhookBody,
  headers: ({ id }, body, channel, now) => signedHeaders(id, body, liveSecrets(channel, now), now),
  shownAddress: (url) => {
    const { origin, pathname, search } = new URL(url)
    return `${origin}${pathname}${search === '' ? '' : '?…'}`
  },
  isSigned: true,
})

/** The body of a generic webhook: one event as it is, several as a `finding.group`. */
export function webhookBody({ type, timestamp, events }: Message): WebhookBody {
  if (type === 'finding.group')
    return { type, timestamp, data: { events: events.map((event) => ({ ...event })) } }
  const { finding, run } = events[0]
  return { type, timestamp, data: { finding, run } }
}
