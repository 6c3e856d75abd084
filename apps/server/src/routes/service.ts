import { Type } from '@normwatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { RequestCounts } from '../metrics/request-counts.ts'
import type { Services } from '../services.ts'
import { VERSION } from '../version.ts'
import { replies, textReplies } from './schemas.ts'

const Ok = replies(Type.Object({ status: Type.Literal('ok') }))
const Ready = replies(
  Type.Object({ status: Type.Literal('ok'), version: Type.String(), migrations: Type.Integer() }),
)

/** Liveness, readiness and metrics for machines. Counts the requests of the whole app. */
export function serviceRoutes(services: Services, counts: RequestCounts): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get('/healthz', { schema: { summary: 'Liveness', response: Ok } }, async () => ({
      status: 'ok' as const,
    }))

    app.get(
      '/readyz',
      { schema: { summary: 'Readiness: the store can be written', response: Ready } },
      async () => {
        await services.store.check()
        return { status: 'ok' as const, version: VERSION, migrations: services.store.migrations }
      },
    )

    app.get(
      '/metrics',
      { schema: { summary: 'Metrics for Prometheus', response: textReplies('text/plain') } },
      async (_request, reply) => {
        const { metricsText } = await import('../metrics/metrics-text.ts')
        const { type, text } = await metricsText(services, counts)
        return reply.type(type).send(text)
      },
    )
  }
}
