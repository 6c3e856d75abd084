import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  DeliveryListSchema,
  DeliverySchema,
  DeliveryStateSchema,
  RunIdSchema,
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
      ({ query, reach }) => listed({ ...query, projects: reach }),
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
