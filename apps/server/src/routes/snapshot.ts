import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { SnapshotReplySchema, Type } from '@normwatch/protocol'
import { snapshot } from '../analysis/snapshot.ts'
import type { Services } from '../services.ts'
import { closed, replies, RunParams, Step } from './schemas.ts'

const Query = Type.Object(
  {
    around: Type.Optional({ ...Step, description: 'A step; the newest of the run when not given.' }),
    width: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Steps on either side; 20 when not given.' }),
    ),
  },
  closed,
)

export function snapshotRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/snapshot',
      {
        schema: {
          summary: 'Every metric before, at and after a step, what moved, findings and events there',
          params: RunParams,
          querystring: Query,
          response: replies(SnapshotReplySchema),
        },
      },
      ({ params, query: { around, width = 20 } }) => snapshot(store, params.id, around, width),
    )
  }
}
