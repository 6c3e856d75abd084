import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { layout } from '../layout.ts'
import { complete, head, type Document } from '../reference/document.ts'

/** Describes the routes that are registered after this: `/docs` for people, `/api/v1/openapi.json` for machines. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, { openapi: head as object, convertConstToEnum: false })
  const document = (): Document => complete(app.swagger() as Document)
  const hidden = { schema: { hide: true } }

  app.get('/api/v1/openapi.json', hidden, async () => document())
  app.get('/docs', hidden, async (_request, reply) => reply.redirect('docs/'))
  app.get('/docs/', hidden, async (_request, reply) => {
    const { referencePage } = await import('../reference/page.ts')
    return reply.type('text/html; charset=utf-8').send(referencePage(document(), 'page.css'))
  })
  app.get('/docs/page.css', hidden, async (_request, reply) =>
    reply.type('text/css; charset=utf-8').send(readFileSync(layout.referenceStyle, 'utf8')),
  )
}
