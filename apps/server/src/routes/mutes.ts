import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { MuteListSchema, MuteSchema, NewMuteSchema } from '@normwatch/protocol'
import { newMute } from '../alerts/channels.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { toMute } from '../storage/to-wire.ts'
import { AlertId, noContent, replies } from './schemas.ts'

export function muteRoutes({ store: { mutes }, now }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/mutes',
      { schema: { summary: 'Active mutes, the first to end first', response: replies(MuteListSchema) } },
      async () => ({ mutes: (await mutes.list(now())).map(toMute) }),
    )

    app.post(
      '/mutes',
      {
        config: { invalid: 'mute_invalid' },
        schema: {
          summary: 'Hold messages of a run, a project or a kind until a time',
          body: NewMuteSchema,
          response: replies(MuteSchema),
        },
      },
      async ({ body }, reply) => {
        const mute = newMute(body, now())
        if (mute.run === null && mute.project === null && mute.kind === null) {
          throw new Refusal('mute_invalid', 'A mute names a run, a project or a kind.')
        }
        if (mute.until <= now()) {
          throw new Refusal('mute_invalid', 'A mute ends in the future.', [
            { path: '/until', message: 'is over' },
          ])
        }
        return reply.status(201).send(toMute(await mutes.create(mute)))
      },
    )

    app.delete(
      '/mutes/:id',
      { schema: { summary: 'End a mute: what it held is sent', params: AlertId, response: noContent } },
      async ({ params }, reply) => {
        await mutes.delete(params.id, now())
        return reply.status(204).send()
      },
    )
  }
}
