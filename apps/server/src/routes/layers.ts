import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  LAYER_PREFIX,
  LayersReplySchema,
  type LayersReply,
  type SeriesReply,
} from '@normwatch/protocol'
import { pauses } from '../in-slices.ts'
import type { Services } from '../services.ts'
import { sendInPieces } from './json-in-pieces.ts'
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
      async ({ params, query: { from, to, max_points = 200 } }, reply) => {
        const all = await store.points.metrics(params.id)
        const metrics = all.filter((name) => name.startsWith(LAYER_PREFIX))
        const fitting = Math.max(MIN_BUCKETS, Math.floor(MAX_CELLS / Math.max(1, metrics.length)))
        const maxPoints = Math.min(max_points, fitting)
        const found = await store.points.series({ run: params.id, metrics, from, to, maxPoints })
        return sendInPieces(reply, piecesOf(found))
      },
    )
  }
}

/**
 * A `LayersReply` as JSON, one layer after the other. Series share their buckets, but each leaves out those without a reading: here
 * they stand side by side.
 */
async function* piecesOf({ from, to, bucket, series }: SeriesReply): AsyncGenerator<string> {
  const pause = pauses()
  const all = Object.values(series)
  const places = new Map<number, number>()
  for (const layer of all) {
    for (const first of layer.step) places.set(first, NaN)
    await pause()
  }
  const step = [...places.keys()].sort((a, b) => a - b)
  step.forEach((first, i) => places.set(first, i))
  const layers = Object.keys(series).map((name) => name.slice(LAYER_PREFIX.length))
  const frame = { from, to, bucket, step, layers } satisfies Omit<LayersReply, 'values'>
  yield `${JSON.stringify(frame).slice(0, -1)},"values":[`
  let comma = ''
  for (const layer of all) {
    const row: LayersReply['values'][number] = new Array<null>(step.length).fill(null)
    layer.step.forEach((first, i) => (row[places.get(first) as number] = layer.mean[i] ?? null))
    yield comma + JSON.stringify(row)
    comma = ','
    await pause()
  }
  yield ']}'
}
