import type { Static } from 'typebox'
import { Type } from './schema.ts'
import { FindingKindSchema } from './finding.ts'
import { Nullable } from './nullable.ts'
import { EventTypeSchema } from './webhook.ts'

const Instant = Type.String({ format: 'date-time' })

/** Events that a delivery names in a list; `event_count` counts them all. */
export const MAX_EVENTS_LISTED = 20
/** Bytes that are kept of a receiver's answer. */
export const MAX_RESPONSE_BYTES = 1_024

export const DeliveryStateSchema = Type.Union([
  Type.Literal('pending'),
  Type.Literal('sent'),
  Type.Literal('failed'),
])
export type DeliveryState = Static<typeof DeliveryStateSchema>

/** One message to one channel, with what came of it. `id` travels as `webhook-id`. */
export const DeliverySchema = Type.Object({
  id: Type.String(),
  channel: Type.String(),
  state: DeliveryStateSchema,
  events: Type.Array(
    Type.Object({
      type: EventTypeSchema,
      finding: Type.String(),
      kind: FindingKindSchema,
      run: Type.String(),
    }),
    { maxItems: MAX_EVENTS_LISTED },
  ),
  event_count: Type.Integer(),
  created_at: Instant,
  next_try_at: Nullable(Instant),
  muted: Type.Boolean({ description: 'Waits for the end of a mute.' }),
  tries: Type.Integer(),
  last_try_at: Nullable(Instant),
  status: Nullable(Type.Integer({ description: 'Of the last attempt; null without an answer.' })),
  error: Nullable(Type.String({ description: 'Why the last attempt failed, in a sentence.' })),
  response: Nullable(Type.String({ description: 'First kilobyte of the last answer.' })),
})
export type Delivery = Static<typeof DeliverySchema>

export const DeliveryListSchema = Type.Object({
  deliveries: Type.Array(DeliverySchema),
  next_cursor: Nullable(Type.String()),
})
export type DeliveryList = Static<typeof DeliveryListSchema>
