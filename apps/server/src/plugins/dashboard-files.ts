import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import staticFiles from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Refusal } from '../errors.ts'

const PAGE = 'index.html'
/** What each page needs, by its route such as `/runs/[id]`, as the dashboard's build lists it. */
const PAGE_FILES = '_app/page-files.json'
interface Needs {
  /** Its scripts and style sheets. */
  readonly files: readonly string[]
  /** What it asks the API first; `[id]` stands for the run in its address. */
  readonly questions: readonly string[]
}
/** A run's id in a page's address: only characters that need no escaping in HTML or an address. */
const ID = '([A-Za-z0-9._-]+)'

/** The dashboard as it was built: its folder, its pages, and the hashes of the scripts that stand in each of them. */
export interface Dashboard {
  readonly folder: string
  /** The page at a path; an unknown path gets the "not found" page. */
  readonly pageAt: (path: string) => string
  readonly inlineScripts: readonly string[]
}

/** Reads the built dashboard, to be served below `basePath`; `undefined` if it is not built. */
export function findDashboard(folder: string, basePath = ''): Dashboard | undefined {
  let shell: string
  let needs: Record<string, Needs>
  try {
    shell = readFileSync(join(folder, PAGE), 'utf8')
    needs = JSON.parse(readFileSync(join(folder, PAGE_FILES), 'utf8'))
  } catch {
    return undefined
  }
  const anyPage = underBasePath(basePath, shell)
  const pages = Object.entries(needs).map(([route, { files, questions }]) => ({
    path: new RegExp(`^${route.replaceAll(/\[(\w+)\]/g, (_, name) => (name === 'id' ? ID : '[^/]+'))}/?$`),
    page: underBasePath(basePath, withPreloads(files, questions, shell)),
  }))
  const scripts = [...anyPage.matchAll(/<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g)]
  const inlineScripts = scripts.map(
    ([, source = '']) => `sha256-${createHash('sha256').update(source).digest('base64')}`,
  )
  const pageAt = (path: string) => {
    for (const { path: pattern, page } of pages) {
      const match = pattern.exec(path)
      if (match !== null) return page.replaceAll('[id]', match[1] ?? '')
    }
    return anyPage
  }
  return { folder, pageAt, inlineScripts }
}

/**
 * The page with links to what it needs, so that the browser asks for it before it has run the first script. The build also
 * links the styles of what is loaded later, which would hold up the first drawing: those are left out.
 */
function withPreloads(files: readonly string[], questions: readonly string[], shell: string): string {
  const page = shell.replaceAll(/<link href="\/([^"]+)" rel="stylesheet">/g, (link, file: string) =>
    files.includes(file) ? link : '',
  )
  const links = [
    ...files
      .filter((file) => !page.includes(file))
      .map(
        (file) => `<link href="/${file}" rel="${file.endsWith('.css') ? 'stylesheet' : 'modulepreload'}">`,
      ),
    ...questions.map(
      (question) =>
        `<link href="/${question.replaceAll('&', '&amp;')}" rel="preload" as="fetch" crossorigin="anonymous">`,
    ),
  ]
  return page.replace('</head>', `${links.join('')}</head>`)
}

/** The page with its own addresses below the base path; all other files name each other by relative ones. */
function underBasePath(basePath: string, page: string): string {
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
