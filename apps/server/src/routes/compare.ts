import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, CompareReplySchema, RunIdSchema } from '@normwatch/protocol'
import { compareRuns } from '../analysis/compare-runs.ts'
import { MeasuredRuns } from '../analysis/measured-runs.ts'
import type { Services } from '../services.ts'
import { closed, Part, replies } from './schemas.ts'

const MAX_RUNS = 8

const Query = Type.Object(
  { run: Type.Array(RunIdSchema, { minItems: 1, maxItems: MAX_RUNS, uniqueItems: true }), part: Part },
  closed,
)

export function compareRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  const measured = new MeasuredRuns(store)
  return async (app) => {
    app.get(
      '/compare',
      {
        schema: {
          summary: 'Runs side by side, and what makes the comparison weak',
          querystring: Query,
          response: replies(CompareReplySchema),
        },
      },
      ({ query }) => compareRuns(store, measured, query.run, query.part),
    )
  }
}
