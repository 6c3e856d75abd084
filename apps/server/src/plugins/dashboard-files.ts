import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

/** The dashboard as it was built: its folder, and the hashes of the scripts that stand in its page. */
export interface Dashboard {
  readonly folder: string
  readonly inlineScripts: readonly string[]
}

/** Reads the built dashboard, or `undefined` when there is none. */
export function findDashboard(folder: string): Dashboard | undefined {
  let page: string
  try {
    page = readFileSync(join(folder, 'index.html'), 'utf8')
  } catch {
    return undefined
  }
  const scripts = [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const inlineScripts = scripts.map(
    ([, source = '']) => `sha256-${createHash('sha256').update(source).digest('base64')}`,
  )
  return { folder, inlineScripts }
}

/** Serves the dashboard's files; an address of one of its pages gets the page that routes in the browser. */
export async function serveDashboard(app: FastifyInstance, dashboard: Dashboard | undefined): Promise<void> {
  if (dashboard !== undefined) {
    await app.register(staticFiles, {
      root: dashboard.folder,
      preCompressed: true,
      cacheControl: false,
      setHeaders: (reply, path) => {
        // These files carry a hash of their content in their names.
        const isImmutable = path.includes('/immutable/')
        reply.header('cache-control', isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache')
      },
    })
  }
  app.setNotFoundHandler(async ({ method, url, headers }, reply) => {
    const isPage = method === 'GET' && !url.startsWith('/api/') && headers.accept?.includes('text/html')
    if (!isPage) throw new Refusal('route_not_found')
    if (dashboard === undefined) {
      throw new Refusal('route_not_found', 'The dashboard is not built; "npm start" builds it.')
    }
    return reply.sendFile('index.html')
  })
}
