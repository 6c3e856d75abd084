import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, RunEventListSchema, RunEventsBodySchema, RunEventsReplySchema } from '@normwatch/protocol'
import type { Services } from '../services.ts'
import { closed, replies, RunParams, Step } from './schemas.ts'

const Range = Type.Object({ from: Type.Optional(Step), to: Type.Optional(Step) }, closed)

/** Events of a training besides its readings: a checkpoint, a stage, a note. */
export function eventRoutes({ store, hub, now }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/runs/:id/events',
      {
        config: { invalid: 'events_invalid' },
        schema: {
          summary: 'Log events at steps; the same step and label replaces',
          params: RunParams,
          body: RunEventsBodySchema,
          response: replies(RunEventsReplySchema),
        },
      },
      async ({ params: { id }, body }) => {
        const arrived = now() / 1000
        const events = body.events.map(({ step, time = arrived, label, text = null }) => ({
          step,
          time,
          label,
          text,
        }))
        await store.events.put(id, events)
        hub.events(id, events)
        return { accepted: events.length }
      },
    )

    app.get(
      '/runs/:id/events',
      {
        schema: {
          summary: 'What happened in a run, by step',
          params: RunParams,
          querystring: Range,
          response: replies(RunEventListSchema),
        },
      },
      async ({ params, query }) => ({ events: await store.events.list(params.id, query) }),
    )
  }
}
