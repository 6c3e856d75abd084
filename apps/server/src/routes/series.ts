import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type, DEFAULT_BUCKETS, MAX_BUCKETS, MAX_TIME, SeriesReplySchema } from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { closed, MetricName, replies, RunParams, whole } from './schemas.ts'

const Query = Type.Object(
  {
    metric: Type.Array(MetricName, { minItems: 1, maxItems: 64 }),
    from: Type.Optional(Type.Number({ minimum: 0, description: 'A step, or with x=time Unix seconds.' })),
    to: Type.Optional(Type.Number({ minimum: 0, description: 'The same; both ends belong to the range.' })),
    max_points: Type.Optional(whole(1, MAX_BUCKETS, DEFAULT_BUCKETS)),
    x: Type.Optional(Type.Union([Type.Literal('step'), Type.Literal('time')], { default: 'step' })),
  },
  closed,
)

export function seriesRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/series',
      {
        schema: {
          summary: 'Metrics in buckets, for charts',
          params: RunParams,
          querystring: Query,
          response: replies(SeriesReplySchema),
        },
      },
      ({ params, query: { metric, from, to, max_points = DEFAULT_BUCKETS, x = 'step' } }) => {
        checkRange(x, from, to)
        const metrics = [...new Set(metric)]
        const range = x === 'time' ? { fromTime: from, toTime: to } : { from, to }
        return store.points.series({ run: params.id, metrics, maxPoints: max_points, ...range })
      },
    )
  }
}

function checkRange(x: 'step' | 'time', from: number | undefined, to: number | undefined): void {
  for (const [path, value] of Object.entries({ from, to })) {
    if (value === undefined) continue
    const fits = x === 'time' ? value <= MAX_TIME : Number.isSafeInteger(value)
    const message = x === 'time' ? 'must be Unix seconds' : 'must be a whole number from 0 to 2^53 - 1'
    if (!fits) throw new Refusal('query_invalid', `${path} ${message}.`, [{ path, message }])
  }
}
