import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { FindingSchema } from './finding.ts'
import { ClippingSchema, ClipSchema } from './run.ts'

const Instant = Type.String({ format: 'date-time' })

/** Events in one grouped message; more of them become a second message. */
export const MAX_EVENTS_PER_MESSAGE = 500

/** A finding opened or closed, as in messages. */
export const EVENT_TYPES = ['finding.opened', 'finding.closed', 'finding.reminder'] as const
export type EventType = (typeof EVENT_TYPES)[number]
export const EventTypeSchema = Type.Enum(EVENT_TYPES)

/** The run of an event, as it was at the event; `clip` and `clipping` are those of the part that the finding speaks of. */
export const EventRunSchema = Type.Object({
  id: Type.String(),
  name: Type.String(),
  project: Type.String(),
  url: Type.String(),
  clip: ClipSchema,
  clipping: ClippingSchema,
})
export type EventRun = Static<typeof EventRunSchema>

const About = { finding: FindingSchema, run: EventRunSchema }

/** Body of a webhook, by the Standard Webhooks specification. A `channel.test` carries an example finding and run. */
export const WebhookBodySchema = Type.Union([
  Type.Object({
    type: Type.Enum([...EVENT_TYPES, 'channel.test']),
    timestamp: Instant,
    data: Type.Object(About),
  }),
  Type.Object({
    type: Type.Literal('finding.group'),
    timestamp: Instant,
    data: Type.Object({ events: Type.Array(Type.Object({ type: EventTypeSchema, ...About })) }),
  }),
])
export type WebhookBody = Static<typeof WebhookBodySchema>
