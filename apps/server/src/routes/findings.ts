import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, FindingKindSchema, FindingListSchema, RunIdSchema } from '@normwatch/protocol'
import type { Services } from '../services.ts'
import type { FindingQuery } from '../storage/store.ts'
import { toFinding } from '../storage/to-wire.ts'
import { closed, Cursor, replies, RunParams, whole } from './schemas.ts'

const DEFAULT_LIMIT = 100

const filters = {
  kind: Type.Optional(FindingKindSchema),
  state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('closed')])),
  limit: Type.Optional(whole(1, 1_000, DEFAULT_LIMIT)),
  cursor: Cursor,
}

export function findingRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  const listed = async (query: Partial<FindingQuery>) => {
    const { findings, next_cursor } = await store.findings.list({ limit: DEFAULT_LIMIT, ...query })
    return { findings: findings.map(toFinding), next_cursor }
  }
  return async (app) => {
    app.get(
      '/findings',
      {
        schema: {
          summary: 'Findings of all runs, newest first',
          querystring: Type.Object({ run: Type.Optional(RunIdSchema), ...filters }, closed),
          response: replies(FindingListSchema),
        },
      },
      ({ query }) => listed(query),
    )

    app.get(
      '/runs/:id/findings',
      {
        schema: {
          summary: 'Findings of one run, newest first',
          params: RunParams,
          querystring: Type.Object(filters, closed),
          response: replies(FindingListSchema),
        },
      },
      async ({ params, query }) => {
        await store.runs.get(params.id)
        return listed({ ...query, run: params.id })
      },
    )
  }
}
