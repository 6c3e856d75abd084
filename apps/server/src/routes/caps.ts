import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, CapsReplySchema } from '@normwatch/protocol'
import { RecentNorms } from '../analysis/recent-norms.ts'
import { tryCaps } from '../analysis/try-caps.ts'
import type { Services } from '../services.ts'
import { closed, Part, replies, RunParams, Step } from './schemas.ts'

const MAX_CAPS = 512

const Cap = Type.Number({ exclusiveMinimum: 0, maximum: Number.MAX_VALUE })

const Query = Type.Object(
  {
    from: Type.Optional(Step),
    to: Type.Optional(Step),
    part: Part,
    cap: Type.Optional(Type.Array(Cap, { minItems: 1, maxItems: MAX_CAPS })),
  },
  closed,
)

export function capRoutes(services: Services): FastifyPluginAsyncTypebox {
  const norms = new RecentNorms(services)
  return async (app) => {
    app.get(
      '/runs/:id/caps',
      {
        schema: {
          summary: 'What other caps would have done to the norms recorded',
          params: RunParams,
          querystring: Query,
          response: replies(CapsReplySchema),
        },
      },
      ({ params, query: { cap, part, ...range } }) => tryCaps(norms, params.id, range, cap, part),
    )
  }
}
