import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  DEFAULT_BUCKETS,
  MAX_BUCKETS,
  MAX_TIME,
  SeriesReplySchema,
  type SeriesReply,
} from '@normwatch/protocol'
import { Refusal } from '../errors.ts'
import { pauses } from '../in-slices.ts'
import type { Services } from '../services.ts'
import { sendInPieces } from './json-in-pieces.ts'
import { closed, MetricName, replies, RunParams, whole } from './schemas.ts'

/** Buckets of all metrics up to which a reply is written in one go: some milliseconds. */
const BUCKETS_AT_ONCE = 20_000

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
      async ({ params, query: { metric, from, to, max_points = DEFAULT_BUCKETS, x = 'step' } }, reply) => {
        checkRange(x, from, to)
        const metrics = [...new Set(metric)]
        const range = x === 'time' ? { fromTime: from, toTime: to } : { from, to }
        const found = await store.points.series({ run: params.id, metrics, maxPoints: max_points, ...range })
        if (bucketsOf(found) <= BUCKETS_AT_ONCE) return found
        return sendInPieces(reply, piecesOf(found))
      },
    )
  }
}

const bucketsOf = ({ series }: SeriesReply): number =>
  Object.values(series).reduce((sum, { step }) => sum + step.length, 0)

/** The reply as JSON, one series after the other; others are served in between. */
async function* piecesOf({ series, ...frame }: SeriesReply): AsyncGenerator<string> {
  yield `${JSON.stringify(frame).slice(0, -1)},"series":{`
  const pause = pauses()
  let comma = ''
  for (const [name, one] of Object.entries(series)) {
    yield `${comma}${JSON.stringify(name)}:${JSON.stringify(one)}`
    comma = ','
    await pause()
  }
  yield '}}'
}

function checkRange(x: 'step' | 'time', from: number | undefined, to: number | undefined): void {
  for (const [path, value] of Object.entries({ from, to })) {
    if (value === undefined) continue
    const fits = x === 'time' ? value <= MAX_TIME : Number.isSafeInteger(value)
    const message = x === 'time' ? 'must be Unix seconds' : 'must be a whole number from 0 to 2^53 - 1'
    if (!fits) throw new Refusal('query_invalid', `${path} ${message}.`, [{ path, message }])
  }
}
