import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build as esbuild } from 'esbuild'
import { chromium } from 'playwright-core'
import { build as rolldown } from 'rolldown'
import { build as vite } from 'vite'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { RealServer } from './real-server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** What is bundled, and how: files for Node stand alone in `folder` as `main.mjs` or `main.cjs`, those for a page as `main.js`. */
interface Bundle {
  readonly entry: string
  readonly folder: string
  readonly format: 'esm' | 'cjs'
  readonly platform: 'node' | 'browser'
}

/** One call of each bundler, with the settings that a program for this platform and format needs. */
const BUNDLERS: Record<string, (bundle: Bundle) => Promise<unknown>> = {
  esbuild: ({ entry, folder, format, platform }) =>
    esbuild({
      entryPoints: { main: entry },
      outdir: folder,
      format,
      platform,
      bundle: true,
      splitting: format === 'esm',
      minify: true,
      outExtension: { '.js': extensionOf(format, platform) },
      logLevel: 'error',
      logOverride: { 'empty-import-meta': 'silent' },
    }),
  'Rolldown, by options of Rollup': ({ entry, folder, format, platform }) =>
    rolldown({
      input: { main: entry },
      platform,
      logLevel: 'silent',
      output: { dir: folder, format, entryFileNames: `[name]${extensionOf(format, platform)}` },
    }),
  Vite: ({ entry, folder, format, platform }) =>
    vite({
      configFile: false,
      logLevel: 'error',
      root: project,
      ssr: { noExternal: true },
      build: {
        ssr: platform === 'node',
        outDir: folder,
        minify: true,
        rolldownOptions: {
          input: { main: entry },
          output: { format, entryFileNames: `[name]${extensionOf(format, platform)}` },
        },
      },
    }),
}

function extensionOf(format: 'esm' | 'cjs', platform: 'node' | 'browser'): string {
  if (platform === 'browser') return '.js'
  return format === 'esm' ? '.mjs' : '.cjs'
}

/** A project whose only dependency is the package. Bundles are moved out of it, so that they cannot find its files. */
let project: string
let server: RealServer
const FOR_NODE = `
  import { clipByGlobalNorm, init, sync } from '@normwatch/sdk'
  async function train() {
    const [, , name, exits] = process.argv
    const run = init({ id: exits === 'exits' ? name + '-exits' : name, maxNorm: 1 })
    for (let i = 0; i < 100; i++) run.log({ gradNorm: clipByGlobalNorm([new Float32Array([3, 4])], 1) })
    if (exits === 'exits') process.exit(0)
    const { sent } = await run.finish()
    const offline = init({ id: name + '-offline', mode: 'offline' })
    for (let i = 0; i < 50; i++) offline.log({ loss: i })
    const { unsent } = await offline.finish()
    console.log(JSON.stringify({ sent, unsent, synced: await sync() }))
  }
  void train()`
const FOR_PAGE = `
  async function train() {
    const { clipByGlobalNorm, init } = await import('@normwatch/sdk')
    const run = init({ id: location.hash.slice(1), url: location.origin, maxNorm: 1 })
    for (let i = 0; i < 100; i++) run.log({ gradNorm: clipByGlobalNorm([new Float32Array([3, 4])], 1) })
    document.title = JSON.stringify(await run.finish())
  }
  void train()`

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'normwatch-bundles-'))
  await run('npm', ['run', 'build', '-w', '@normwatch/sdk'], { cwd: ROOT })
  await cp(join(ROOT, 'packages/sdk/dist'), join(project, 'node_modules/@normwatch/sdk'), { recursive: true })
  await writeFile(join(project, 'for-node.js'), FOR_NODE)
  await writeFile(join(project, 'for-page.js'), FOR_PAGE)
  server = new RealServer(join(project, 'server'))
  await server.start()
})
afterAll(async () => {
  await server.kill()
  await rm(project, { recursive: true, force: true })
})

async function bundled(name: string, bundle: Omit<Bundle, 'folder'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'normwatch-bundled-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await BUNDLERS[name]!({ ...bundle, entry: join(project, bundle.entry), folder })
  return folder
}

describe.each(Object.keys(BUNDLERS))('a training bundled by %s', (name) => {
  it.each(['esm', 'cjs'] as const)('sends and spools in Node, as %s', async (format) => {
    const folder = await bundled(name, { entry: 'for-node.js', format, platform: 'node' })
    const id = `${name.split(',')[0]}-${format}`
    const spool = join(folder, 'spool')
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: spool }
    const program = join(folder, `main${extensionOf(format, 'node')}`)
    const { stdout } = await run(process.execPath, [program, id], { cwd: folder, env })
    const synced = { sent: 50, refused: 0, filesLeft: [] }
    expect(JSON.parse(stdout)).toEqual({ sent: 100, unsent: 50, synced })
    expect(await server.points(id)).toHaveLength(100)
    expect((await server.points(`${id}-offline`)).map(({ loss }) => loss)).toEqual([...Array(50).keys()])
    expect(await server.get(`/runs/${id}`)).toMatchObject({ status: 'finished', last_step: 99 })

    const cut = await run(process.execPath, [program, id, 'exits'], { cwd: folder, env })
    expect(cut.stderr, 'no thread sends them, and the spool is named').toContain(`kept in ${spool}`)
    await run(process.execPath, [join(project, 'node_modules/@normwatch/sdk/sync-program.js')], { env })
    expect(await server.points(`${id}-exits`)).toHaveLength(100)
  })

  it('sends from a page that imports the SDK when it is needed', async () => {
    const folder = await bundled(name, { entry: 'for-page.js', format: 'esm', platform: 'browser' })
    const browser = await chromium.launch({
      executablePath: ensureBrowser('chromium'),
      args: ['--no-sandbox', '--disable-gpu'],
    })
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    await page.route('**/*.js', (route) =>
      route.fulfill({ path: join(folder, new URL(route.request().url()).pathname) }),
    )
    const body = '<script type="module" src="/main.js"></script>'
    await page.route('**/training.html', (route) => route.fulfill({ contentType: 'text/html', body }))
    const id = `${name.split(',')[0]}-page`
    await page.goto(`${server.url}/training.html#${id}`)
    await page.waitForFunction(`document.title !== ''`)
    expect(JSON.parse(await page.title())).toMatchObject({ sent: 100, unsent: 0, lost: 0 })
    const points = await server.points(id)
    expect(points.map(({ grad_norm }) => grad_norm)).toEqual(Array(100).fill(5))
  })
})

it('a bundled training that is loaded from a URL that is no file sends too', async () => {
  const folder = await bundled('esbuild', { entry: 'for-node.js', format: 'esm', platform: 'node' })
  const loader = `import { readFileSync } from 'node:fs'
    await import('data:text/javascript;base64,' + readFileSync('main.mjs', 'base64'))`
  await writeFile(join(folder, 'loader.mjs'), loader)
  const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(folder, 'spool') }
  await run(process.execPath, ['loader.mjs', 'from-data'], { cwd: folder, env })
  expect(await server.points('from-data')).toHaveLength(100)
})
