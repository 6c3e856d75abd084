import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** Describes the routes that are registered after this: `/docs` for people, `/api/v1/openapi.json` for machines. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'Normwatch',
        version: '1',
        description:
          'Points in, charts and findings out. Non-finite readings travel as the strings "NaN", "Infinity", "-Infinity". ' +
          'The live socket is GET /api/v1/live.',
      },
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, validatorUrl: null } as object,
  })
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
