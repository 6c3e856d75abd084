import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

const PAGE = 'index.html'
/** The scripts and style sheets of each page, by its route such as `/runs/[id]`, as the dashboard's build lists them. */
const PAGE_FILES = '_app/page-files.json'

/** The dashboard as it was built: its folder, its pages, and the hashes of the scripts that stand in each of them. */
export interface Dashboard {
  readonly folder: string
  /** The page at a path; an unknown one gets the page that says so. */
  readonly pageAt: (path: string) => string
  readonly inlineScripts: readonly string[]
}

/** Reads the built dashboard, to be served below `basePath`; `undefined` when there is none. */
export function findDashboard(folder: string, basePath = ''): Dashboard | undefined {
  let shell: string
  let files: Record<string, string[]>
  try {
    shell = readFileSync(join(folder, PAGE), 'utf8')
    files = JSON.parse(readFileSync(join(folder, PAGE_FILES), 'utf8'))
  } catch {
    return undefined
  }
  const anyPage = below(basePath, shell)
  const pages = Object.entries(files).map(([route, names]) => ({
    path: new RegExp(`^${route.replaceAll(/\[\w+\]/g, '[^/]+')}/?$`),
    page: below(basePath, naming(names, shell)),
  }))
  const scripts = [...anyPage.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const inlineScripts = scripts.map(
    ([, source = '']) => `sha256-${createHash('sha256').update(source).digest('base64')}`,
  )
  const pageAt = (path: string) => pages.find((page) => page.path.test(path))?.page ?? anyPage
  return { folder, pageAt, inlineScripts }
}

/** The page with links to these files, so that the browser asks for them before it has run the first script. */
function naming(files: readonly string[], page: string): string {
  const links = files
    .filter((file) => !page.includes(file))
    .map((file) => `<link href="/${file}" rel="${file.endsWith('.css') ? 'stylesheet' : 'modulepreload'}">`)
  return page.replace('</head>', `${links.join('')}</head>`)
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
    const [path = '/'] = url.split('?')
    const wantsPage = path === '/' || headers.accept?.includes('text/html')
    const isPage = method === 'GET' && !url.startsWith('/api/') && wantsPage
    if (!isPage) throw new Refusal('route_not_found')
    if (dashboard === undefined) {
      throw new Refusal('route_not_found', 'The dashboard is not built; "npm start" builds it.')
    }
    return reply
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(dashboard.pageAt(path))
  })
}
