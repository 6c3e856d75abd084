import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Access } from '../access/access.ts'
import { Refusal } from '../errors.ts'
import { layout } from '../layout.ts'
import { makeNpmArchive, npmArchiveName } from '../sdk-downloads/npm-archive.ts'
import { installPage, type InstallPage } from '../sdk-downloads/page.ts'
import { makePythonArchive, pythonArchiveName } from '../sdk-downloads/python-archive.ts'
import { VERSION } from '../version.ts'

interface Sdk {
  /** Last part of its path: `/sdk/{name}`. */
  readonly name: 'python' | 'npm'
  readonly archive: string
  make(): Promise<Buffer>
  /** The page for people, where the server has this address. */
  page(server: string): Omit<InstallPage, 'archive' | 'version'>
}

const sdks: readonly Sdk[] = [
  {
    name: 'python',
    archive: pythonArchiveName(VERSION),
    make: () => makePythonArchive(layout.pythonSdk, VERSION),
    page: (server) => ({
      language: 'Python',
      needs: 'Python 3.9 or later',
      install: `pip install ${server}/sdk/python`,
      next: {
        words: 'Then, in the training or around it:',
        lines: `export NORMWATCH_URL=${server}\nnormwatch run -- python train.py`,
      },
    }),
  },
  {
    name: 'npm',
    archive: npmArchiveName(VERSION),
    make: () => makeNpmArchive(layout.npmSdk).catch(notBuilt),
    page: (server) => ({
      language: 'JavaScript',
      needs: 'Node 20.3 or later, or a browser,',
      install: `npm install ${server}/sdk/npm`,
      next: {
        words: 'Then, in the training:',
        lines: `import { init } from '@normwatch/sdk'

const run = init({ url: '${server}', name: 'first-run', maxNorm: 1.0 })
run.log({ gradNorm: 1.73, loss: 2.31 }) // each step: the norm before clipping
await run.finish()`,
      },
    }),
  },
]

/** Both SDKs for machines that can reach only this server: `pip install http://HOST:4280/sdk/python`. */
export function serveSdks(app: FastifyInstance, { basePath }: Access): void {
  for (const sdk of sdks) serveSdk(app, sdk, basePath)
}

function serveSdk(app: FastifyInstance, { name, archive, make, page }: Sdk, basePath: string): void {
  const hidden = { schema: { hide: true } }
  let made: Buffer | undefined
  const sendArchive = async (reply: FastifyReply) => {
    made ??= await make()
    // pip learns from the name what it got
    return reply
      .header('content-disposition', `attachment; filename="${archive}"`)
      .type('application/gzip')
      .send(made)
  }
  const isBrowser = ({ headers }: FastifyRequest) => headers.accept?.includes('text/html') === true

  app.get(`/sdk/${name}`, hidden, async (request, reply) => {
    void reply.header('vary', 'accept')
    if (!isBrowser(request)) return sendArchive(reply)
    const server = `${request.protocol}://${request.host}${basePath}`
    return reply.type('text/html; charset=utf-8').send(
      installPage({
        ...page(server),
        archive: { path: `${name}/${archive}`, name: archive },
        version: VERSION,
      }),
    )
  })
  app.get(`/sdk/${name}/:archive`, hidden, async (request, reply) => {
    if ((request.params as { archive: string }).archive !== archive) throw new Refusal('route_not_found')
    return sendArchive(reply)
  })
}

function notBuilt(error: unknown): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  const sentence =
    'This server runs from a checkout that has not built the package: npm run build -w packages/sdk'
  throw new Refusal('route_not_found', sentence)
}
