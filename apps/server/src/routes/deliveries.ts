import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  DeliveryListSchema,
  DeliverySchema,
  DeliveryStateSchema,
  RunIdSchema,
  type Delivery,
} from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import type { DeliveryQuery } from '../storage/alert-store.ts'
import { toDelivery } from '../storage/to-wire.ts'
import { AlertId, closed, Cursor, replies, whole } from './schemas.ts'

const DEFAULT_LIMIT = 50

const page = {
  state: Type.Optional(DeliveryStateSchema),
  limit: Type.Optional(whole(1, 200, DEFAULT_LIMIT)),
  cursor: Cursor,
}
const Filters = Type.Object(
  { run: Type.Optional(RunIdSchema), finding: Type.Optional(Type.String({ maxLength: 128 })), ...page },
  closed,
)

export function deliveryRoutes({ store, now }: Services): FastifyPluginAsyncTypebox {
  const { channels, deliveries } = store
  const listed = async (query: Partial<DeliveryQuery>) => {
    const page = await deliveries.list({ limit: DEFAULT_LIMIT, ...query }, now())
    return { ...page, deliveries: page.deliveries.map(toDelivery) }
  }
  return async (app) => {
    app.get(
      '/deliveries',
      {
        schema: {
          summary: 'Deliveries of all channels, newest first; of one run or one finding',
          querystring: Filters,
          response: replies(DeliveryListSchema),
        },
      },
      async ({ query, caller }) => {
        const { deliveries, next_cursor } = await listed(query)
        if (caller?.project == null) return { deliveries, next_cursor }
        return { deliveries: deliveries.map((delivery) => only(query.run, delivery)), next_cursor }
      },
    )

    app.get(
      '/channels/:id/deliveries',
      {
        schema: {
          summary: 'Deliveries of one channel, newest first',
          params: AlertId,
          querystring: Type.Object(page, closed),
          response: replies(DeliveryListSchema),
        },
      },
      async ({ params, query }) => {
        await channels.get(params.id)
        return listed({ ...query, channel: params.id })
      },
    )

    app.post(
      '/deliveries/:id/redeliver',
      {
        schema: {
          summary: 'Send a message again now, under the same id',
          params: AlertId,
          response: replies(DeliverySchema),
        },
      },
      async ({ params }) => {
        const { channel } = await deliveries.get(params.id, now())
        if (!(await channels.get(channel)).enabled) throw new Refusal('channel_disabled')
        return toDelivery(await deliveries.redeliver(params.id, now()))
      },
    )
  }
}

/** The part of a delivery about one run: its other events and the receiver's answer may concern other projects. */
function only(run: string | undefined, delivery: Delivery): Delivery {
  const events = delivery.events.filter((event) => event.run === run)
  return { ...delivery, events, event_count: events.length, response: null }
}
