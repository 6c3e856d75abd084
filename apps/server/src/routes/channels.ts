import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  ChannelListSchema,
  ChannelPatchSchema,
  ChannelSchema,
  ChannelTestSchema,
  ChannelWithSecretSchema,
  NewChannelSchema,
} from '@normwatch/protocol'
import { changeOf, newChannel, rotated, shownChannel, shownWithSecret } from '../alerts/channels.ts'
import { channelKinds } from '../alerts/kinds/kinds.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { AlertId, noContent, replies } from './schemas.ts'

const config = { invalid: 'channel_invalid' } as const
/** Replies with a secret must not be cached. */
const NO_STORE = ['cache-control', 'no-store'] as const

export function channelRoutes({ store, alerts, now }: Services): FastifyPluginAsyncTypebox {
  const { channels } = store
  return async (app) => {
    app.get(
      '/channels',
      { schema: { summary: 'All channels, the oldest first', response: replies(ChannelListSchema) } },
      async () => ({ channels: (await channels.list()).map((channel) => shownChannel(channel, now())) }),
    )

    app.post(
      '/channels',
      {
        config,
        schema: {
          summary: 'Create a channel; the reply is the only one that shows its signing secret',
          body: NewChannelSchema,
          response: replies(ChannelWithSecretSchema),
        },
      },
      async ({ body }, reply) => {
        channelKinds[body.kind].checkAddress(body.url, alerts.guard)
        const channel = await channels.create(newChannel(body, now()))
        return reply
          .status(201)
          .header(...NO_STORE)
          .send(shownWithSecret(channel, now()))
      },
    )

    app.get(
      '/channels/:id',
      { schema: { summary: 'One channel', params: AlertId, response: replies(ChannelSchema) } },
      async ({ params }) => shownChannel(await channels.get(params.id), now()),
    )

    app.patch(
      '/channels/:id',
      {
        config,
        schema: {
          summary: 'Change fields of a channel, disable or enable it',
          params: AlertId,
          body: ChannelPatchSchema,
          response: replies(ChannelSchema),
        },
      },
      async ({ params, body }) => {
        const { kind } = await channels.get(params.id)
        if (body.url !== undefined) channelKinds[kind].checkAddress(body.url, alerts.guard)
        return shownChannel(await channels.update(params.id, changeOf(body), now()), now())
      },
    )

    app.delete(
      '/channels/:id',
      { schema: { summary: 'Remove a channel and its deliveries', params: AlertId, response: noContent } },
      async ({ params }, reply) => {
        await channels.delete(params.id)
        return reply.status(204).send()
      },
    )

    app.post(
      '/channels/:id/test',
      {
        schema: {
          summary: "Send a test message now and show the receiver's answer",
          params: AlertId,
          response: replies(ChannelTestSchema),
        },
      },
      async ({ params }) => alerts.test(await channels.get(params.id)),
    )

    app.post(
      '/channels/:id/rotate-secret',
      {
        schema: {
          summary: 'Rotate the secret: the reply shows it once; the old one also works for 24 hours',
          params: AlertId,
          response: replies(ChannelWithSecretSchema),
        },
      },
      async ({ params }, reply) => {
        const channel = await channels.get(params.id)
        if (channel.secret === null) throw new Refusal('channel_unsigned')
        const changed = await channels.update(params.id, rotated(channel, now()), now())
        return reply.header(...NO_STORE).send(shownWithSecret(changed, now()))
      },
    )
  }
}
