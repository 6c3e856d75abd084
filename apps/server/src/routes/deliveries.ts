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
        const page = await deliveries.list({ limit: DEFAULT_LIMIT, ...query }, now())
        if (caller?.project == null) return page
        return { ...page, deliveries: page.deliveries.map((delivery) => only(query.run, delivery)) }
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
        return deliveries.list({ limit: DEFAULT_LIMIT, ...query, channel: params.id }, now())
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
        return deliveries.redeliver(params.id, now())
      },
    )
  }
}

/** What a delivery says of one run: it may concern runs of other projects, too, and so may its receiver's answer. */
function only(run: string | undefined, delivery: Delivery): Delivery {
  const events = delivery.events.filter((event) => event.run === run)
  return { ...delivery, events, event_count: events.length, response: null }
}
