import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

const PAGE = 'index.html'

/** The dashboard as it was built: its folder, its page, and the hashes of the scripts that stand in the page. */
export interface Dashboard {
  readonly folder: string
  readonly page: string
  readonly inlineScripts: readonly string[]
}

/** Reads the built dashboard, to be served below `basePath`; `undefined` when there is none. */
export function findDashboard(folder: string, basePath = ''): Dashboard | undefined {
  let page: string
  try {
    page = below(basePath, readFileSync(join(folder, PAGE), 'utf8'))
  } catch {
    return undefined
  }
  const scripts = [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const inlineScripts = scripts.map(
    ([, source = '']) => `sha256-${createHash('sha256').update(source).digest('base64')}`,
  )
  return { folder, page, inlineScripts }
}

/** The page with its own addresses below the base path; all other files name each other by relative ones. */
function below(basePath: string, page: string): string {
  return page
    .replaceAll(/((?:href|src)="|import\(")\//g, `$1${basePath}/`)
    .replace('base: ""', `base: ${JSON.stringify(basePath)}`)
}

/** Serves the dashboard's files; an address of one of its pages gets the page that routes in the browser. */
export async function serveDashboard(app: FastifyInstance, dashboard: Dashboard | undefined): Promise<void> {
  if (dashboard !== undefined) {
    await app.register(staticFiles, {
      root: dashboard.folder,
      // The page is sent as it reads below the base path, not as its file.
      allowedPath: (path) => path !== '/' && path !== `/${PAGE}`,
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
    const wantsPage = url === '/' || headers.accept?.includes('text/html')
    const isPage = method === 'GET' && !url.startsWith('/api/') && wantsPage
    if (!isPage) throw new Refusal('route_not_found')
    if (dashboard === undefined) {
      throw new Refusal('route_not_found', 'The dashboard is not built; "npm start" builds it.')
    }
    return reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(dashboard.page)
  })
}
