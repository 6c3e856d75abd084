import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { Refusal } from '../errors.ts'
import { layout } from '../layout.ts'
import { archiveName, makeArchive } from '../python-sdk/archive.ts'
import { installPage } from '../python-sdk/page.ts'
import { VERSION } from '../version.ts'

/** The Python SDK for machines that can reach only this server: `pip install http://HOST:4280/sdk/python`. */
export function servePythonSdk(app: FastifyInstance, { basePath }: Access): void {
  const hidden = { schema: { hide: true } }
  const archive = archiveName(VERSION)
  let made: Promise<Buffer> | undefined
  const sendArchive = async (reply: FastifyReply) => {
    made ??= makeArchive(layout.pythonSdk, VERSION)
    // pip learns from the name what it got
    return reply
      .header('content-disposition', `attachment; filename="${archive}"`)
      .type('application/gzip')
      .send(await made)
  }
  const isBrowser = ({ headers }: FastifyRequest) => headers.accept?.includes('text/html') === true

  app.get('/sdk/python', hidden, async (request, reply) => {
    void reply.header('vary', 'accept')
    if (!isBrowser(request)) return sendArchive(reply)
    const server = `${request.protocol}://${request.host}${basePath}`
    return reply.type('text/html; charset=utf-8').send(installPage({ server, archive, version: VERSION }))
  })
  app.get(`/sdk/python/:archive`, hidden, async (request, reply) => {
    if ((request.params as { archive: string }).archive !== archive) throw new Refusal('route_not_found')
    return sendArchive(reply)
  })
}
