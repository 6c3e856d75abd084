import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { findDashboard } from '../src/plugins/dashboard-files.ts'
import { startApp, tempFolder } from './start-app.ts'

const SCRIPT = `\n  document.documentElement.dataset.theme = 'dark'\n`
/** The style sheet of what is loaded later, which no page needs at first. */
const LATER = `<link href="/_app/immutable/later.css" rel="stylesheet">`
const PAGE = `<!doctype html><html><head><script>${SCRIPT}</script><script src="/_app/immutable/start.js"></script>${LATER}</head></html>`
const PAGE_FILES = {
  '/': { files: ['_app/immutable/start.js', '_app/immutable/list.js'], questions: [] },
  '/projects/[project]': { files: ['_app/immutable/project.js'], questions: [] },
  '/runs/[id]': {
    files: ['_app/immutable/start.js', '_app/immutable/run.js', '_app/immutable/run.css'],
    questions: ['api/v1/findings?run=[id]&limit=2'],
  },
}

/** A folder that looks as the dashboard's build does. */
async function builtDashboard(basePath = '') {
  const folder = await tempFolder()
  await mkdir(join(folder, '_app/immutable'), { recursive: true })
  await writeFile(join(folder, 'index.html'), PAGE)
  await writeFile(join(folder, '_app/page-files.json'), JSON.stringify(PAGE_FILES))
  await writeFile(join(folder, 'favicon.svg'), '<svg/>')
  await writeFile(join(folder, '_app/immutable/start.js'), 'start()')
  await writeFile(join(folder, '_app/immutable/start.js.br'), brotliCompressSync('start()'))
  return findDashboard(folder, basePath)
}

const get = (url: string, headers: Record<string, string> = {}) => ({ method: 'GET' as const, url, headers })
const asPage = { accept: 'text/html,application/xhtml+xml' }

describe('the dashboard', () => {
  it.each(['/', '/runs/any-run', '/compare?run=a&run=b'])('answers %s with its page', async (url) => {
    const { inject } = await startApp({ dashboard: await builtDashboard() })
    const page = await inject(get(url, asPage))
    expect(page.status).toBe(200)
    expect(page.text.replaceAll(/<link [^>]*>/g, '')).toBe(PAGE.replace(LATER, ''))
    expect(page.headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-type': expect.stringContaining('text/html'),
    })
  })

  it.each([
    ['/', ['list.js" rel="modulepreload']],
    ['/?status=running', ['list.js" rel="modulepreload']],
    ['/runs/any-run?x=1', ['run.js" rel="modulepreload', 'run.css" rel="stylesheet']],
    ['/projects/a%20b', ['project.js" rel="modulepreload']],
    ['/runs/any-run/layers', ['later.css" rel="stylesheet']],
    ['/nowhere', ['later.css" rel="stylesheet']],
  ])('names in %s the files of that page that the browser could not know yet', async (url, files) => {
    const { inject } = await startApp({ dashboard: await builtDashboard('/watch') })
    const page = await inject(get(url, asPage))
    expect(
      [...page.text.matchAll(/<link href="([^>]*\/immutable\/[^>]*)">/g)].map(([, link]) => link),
    ).toEqual(files.map((file) => `/watch/_app/immutable/${file}`))
  })

  it.each([
    ['/runs/any.run-1', ['/watch/api/v1/findings?run=any.run-1&amp;limit=2']],
    ['/runs/%22%3Ex', []],
    ['/runs/a"b', []],
    ['/', []],
  ])('names in %s what the page asks first', async (url, questions) => {
    const { inject } = await startApp({ dashboard: await builtDashboard('/watch') })
    const { text } = await inject(get(url, asPage))
    expect([...text.matchAll(/<link href="([^"]*)" rel="preload"/g)].map(([, link]) => link)).toEqual(
      questions,
    )
  })

  it('allows the scripts of its page by their hash, and no other inline code', async () => {
    const { inject } = await startApp({ dashboard: await builtDashboard() })
    const policy = String((await inject(get('/', asPage))).headers['content-security-policy'])
    const hash = createHash('sha256').update(SCRIPT).digest('base64')
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`)
    expect(policy).toContain(`default-src 'none';`)
    expect(policy).toContain(`frame-ancestors 'none'`)
    expect(policy).not.toContain('unsafe')
  })

  it('keeps hashed files for ever, and sends them compressed where the build did', async () => {
    const { inject } = await startApp({ dashboard: await builtDashboard() })
    const plain = await inject(get('/_app/immutable/start.js'))
    expect(plain).toMatchObject({ status: 200, text: 'start()' })
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const packed = await inject(get('/_app/immutable/start.js', { 'accept-encoding': 'br' }))
    expect(packed.headers).toMatchObject({ 'content-encoding': 'br', vary: 'accept-encoding' })
    expect((await inject(get('/favicon.svg'))).headers['cache-control']).toBe('no-cache')
  })

  it.each(['/_app/immutable/gone.js', '/favicon.png', '/..%2f..%2fetc%2fpasswd', '/api/v1/none'])(
    'has nothing at %s',
    async (url) => {
      const { inject } = await startApp({ dashboard: await builtDashboard() })
      expect([403, 404]).toContain((await inject(get(url))).status)
      expect((await inject(get(url))).text).not.toContain('root:')
    },
  )

  it('says so when it is not built, and leaves the API alone', async () => {
    const { inject, call } = await startApp({ dashboard: findDashboard(await tempFolder()) })
    const refusal = await inject(get('/', asPage))
    expect(refusal).toMatchObject({ status: 404, body: { error: { code: 'route_not_found' } } })
    expect(refusal.body.error.message).toContain('npm start')
    expect((await call('GET', '/runs')).status).toBe(200)
  })
})
