import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** The one style that the page's script puts in as text; the rules of the page allow it and no other. */
const INLINE_STYLE = 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='

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
    theme: { title: 'Normwatch API' },
    transformStaticCSP: (policy) => policy.replace("style-src 'self'", `$& '${INLINE_STYLE}'`),
  })
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => app.swagger())
}
