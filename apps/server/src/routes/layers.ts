import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  LAYER_PREFIX,
  LayersReplySchema,
  type LayersReply,
  type SeriesReply,
} from '@normwatch/protocol'
import type { Services } from '../services.ts'
import { closed, replies, RunParams, Step, whole } from './schemas.ts'

/** Cells of one heat map: a run with very many layers gets fewer buckets. */
const MAX_CELLS = 262_144
const MIN_BUCKETS = 16

const Query = Type.Object(
  {
    from: Type.Optional(Step),
    to: Type.Optional(Step),
    max_points: Type.Optional(whole(1, 1_000, 200)),
  },
  closed,
)

export function layerRoutes({ store }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/runs/:id/layers',
      {
        schema: {
          summary: 'Norms of the layers in buckets, for a heat map',
          params: RunParams,
          querystring: Query,
          response: replies(LayersReplySchema),
        },
      },
      async ({ params, query: { from, to, max_points = 200 } }) => {
        const all = await store.points.metrics(params.id)
        const metrics = all.filter((name) => name.startsWith(LAYER_PREFIX))
        const fitting = Math.max(MIN_BUCKETS, Math.floor(MAX_CELLS / Math.max(1, metrics.length)))
        const maxPoints = Math.min(max_points, fitting)
        return toMatrix(await store.points.series({ run: params.id, metrics, from, to, maxPoints }))
      },
    )
  }
}

/** Series share their buckets, but each leaves out those without a reading: here they stand side by side. */
function toMatrix({ from, to, bucket, series }: SeriesReply): LayersReply {
  const layers = Object.keys(series)
  const step = [...new Set(Object.values(series).flatMap((layer) => layer.step))].sort((a, b) => a - b)
  const place = new Map(step.map((first, i) => [first, i]))
  const values = Object.values(series).map((layer) => {
    const row = new Array<number | null>(step.length).fill(null)
    layer.step.forEach((first, i) => (row[place.get(first) as number] = layer.mean[i] ?? null))
    return row
  })
  return { from, to, bucket, step, layers: layers.map((name) => name.slice(LAYER_PREFIX.length)), values }
}
