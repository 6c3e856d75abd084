import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import {
  Type,
  parsingPoints,
  PointsBodySchema,
  PointsReplySchema,
  type ParsedPoints,
} from '@normwatch/protocol'
import type { TSchema } from 'typebox'
import { inSlices } from '../in-slices.ts'
import { numberTexts } from '../live/number-texts.ts'
import { compileTextSchema } from '../plugins/compile-schema.ts'
import { Refusal } from '../errors.ts'
import type { Services } from '../services.ts'
import { csvLines, ndjsonLines } from './export-lines.ts'
import { closed, MetricName, replies, RunParams, Step, textReplies } from './schemas.ts'

const ExportQuery = Type.Object(
  {
    from: Type.Optional(Step),
    to: Type.Optional(Step),
    metric: Type.Optional(Type.Array(MetricName, { maxItems: 256 })),
    format: Type.Optional(Type.Union([Type.Literal('ndjson'), Type.Literal('csv')], { default: 'ndjson' })),
  },
  closed,
)

export function pointRoutes({ store, ingest, hub }: Services): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/runs/:id/points',
      {
        schema: {
          summary: 'Send points, as rows or as columns',
          params: RunParams,
          body: PointsBodySchema,
          response: replies(PointsReplySchema),
        },
        // `parsingPoints` reads and checks the body in one pass; the schema only describes it.
        validatorCompiler: ({ schema, httpPart }) =>
          httpPart === 'body' ? () => true : compileTextSchema(schema as unknown as TSchema),
      },
      async (request) => {
        const { id } = request.params
        const { columns, texts } = await takeColumns(request, hub.isWatched(id))
        const { last_step } = await ingest.accept(id, columns, texts)
        return { accepted: columns.step.length, last_step }
      },
    )

    app.get(
      '/runs/:id/points',
      {
        schema: {
          summary: 'Raw readings in step order',
          params: RunParams,
          querystring: ExportQuery,
          response: textReplies('application/x-ndjson', 'text/csv'),
        },
      },
      async ({ params, query: { from, to, metric, format = 'ndjson' } }, reply) => {
        const metrics = metric ?? (await store.points.metrics(params.id))
        if (metric !== undefined) await store.runs.get(params.id)
        const blocks = store.points.read(params.id, { from, to, metrics: metric })
        const lines = format === 'csv' ? csvLines(blocks, metrics) : ndjsonLines(blocks)
        const type = format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8'
        return reply
          .type(type)
          .header('content-disposition', `attachment; filename="${params.id}.${format}"`)
          .send(Readable.from(lines, { objectMode: false }))
      },
    )
  }
}

/** The points in the body, and with `isWatched` their numbers as they were sent; the body itself is not kept, so that it can be collected early. */
async function takeColumns(request: { body: unknown; bodyText?: string | undefined }, isWatched: boolean) {
  const { body, bodyText } = request
  const parsing = parsingPoints(body)
  request.body = undefined
  request.bodyText = undefined
  const parsed = await inSlices(parsing)
  if (!parsed.ok) throw pointsRefusal(parsed)
  const { columns } = parsed
  const steps = (body as { columns?: { step: readonly unknown[] } }).columns?.step
  const isKept = isWatched && bodyText !== undefined && steps !== undefined
  return { columns, texts: isKept ? numberTexts(bodyText, steps, columns) : undefined }
}

function pointsRefusal({ tooMany, tooManyReadings, details }: Extract<ParsedPoints, { ok: false }>): Refusal {
  const [first] = details
  const message = first && `${first.path === '' ? 'The body' : first.path} ${first.message}.`
  const code = tooMany ? 'too_many_points' : tooManyReadings ? 'too_many_readings' : 'points_invalid'
  return new Refusal(code, message, details)
}
