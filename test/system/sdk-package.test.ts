import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SmallServer } from '../../packages/sdk/test/small-server.ts'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { RealServer } from './real-server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

/** The path of one Node for each supported version on this machine's PATH. */
function nodesHere(): [string, string][] {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  const programs = new Set([
    process.execPath,
    ...folders.map((folder) => join(folder, 'node')).filter(existsSync),
  ])
  const byVersion = new Map(
    [...programs].map((node) => [execFileSync(node, ['--version']).toString().trim(), node]),
  )
  return [...byVersion].filter(([version]) => Number(/^v(\d+)/.exec(version)?.[1]) >= 20)
}

/** A project with only the package, installed from its tarball. */
let project: string
const installed = () => join(project, 'node_modules/@normwatch/sdk')

/** The line of the documentation that installs the package from a server. */
const [, install = ''] =
  /```sh\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/sdk-typescript.md'), 'utf8')) ?? []
const NOWHERE = 'http://127.0.0.1:9/'

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'normwatch-package-'))
  await run('npm', ['run', 'build', '-w', '@normwatch/sdk'], { cwd: ROOT })
  await writeFile(join(project, 'package.json'), '{"type": "module", "private": true}')
  const server = new RealServer(join(project, 'server'))
  await server.start()
  try {
    // the machine reaches nothing but the server
    const env = { ...process.env, npm_config_registry: NOWHERE, npm_config_audit: 'false' }
    await run('bash', ['-ec', install.replace('http://127.0.0.1:4280', server.url)], { cwd: project, env })
  } finally {
    await server.kill()
  }
})
afterAll(() => rm(project, { recursive: true, force: true }))

async function startServer(): Promise<SmallServer> {
  const server = await new SmallServer().listen()
  onTestFinished(() => server.close())
  return server
}

describe('the package that users install', () => {
  it('has no dependencies', async () => {
    const { stdout } = await run('npm', ['ls', '--all', '--parseable'], { cwd: project })
    expect(stdout.trim().split('\n')).toEqual([project, installed()])
  })

  it('says what it is, how to install it and its licence', async () => {
    const readme = await readFile(join(installed(), 'README.md'), 'utf8')
    expect(readme).toContain('npm install @normwatch/sdk')
    expect(readme).toContain('run.log({ gradNorm, loss: 0.7 })')
    expect(await readFile(join(installed(), 'LICENSE'), 'utf8')).toContain('MIT')
  })

  it.each(nodesHere())('records a run in Node %s, to its end and at its exit', async (_version, node) => {
    const server = await startServer()
    await writeFile(
      join(project, 'train.js'),
      `import { init, clipByGlobalNorm } from '@normwatch/sdk'
       const run = init({ id: process.argv[2], maxNorm: 1 })
       for (let i = 0; i < 3000; i++) run.log({ gradNorm: clipByGlobalNorm([new Float32Array([3, 4])], 1), loss: NaN })
       if (process.argv[2] === 'awaited') console.log(JSON.stringify(await run.finish()))
       else process.exit(1)`,
    )
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(project, 'spool') }
    const { stdout } = await run(node, ['train.js', 'awaited'], { cwd: project, env })
    expect(JSON.parse(stdout)).toEqual({
      sent: 3000,
      unsent: 0,
      refused: 0,
      lost: 0,
      invalid: 0,
      spool: null,
      refusedFile: null,
    })
    await expect(run(node, ['train.js', 'cut'], { cwd: project, env })).rejects.toMatchObject({ code: 1 })
    for (const id of ['awaited', 'cut']) {
      expect(server.steps(id)).toHaveLength(3000)
      expect(server.steps(id)[7]).toEqual([7, { grad_norm: 5, loss: NaN }])
    }
    expect(server.runs.get('cut')?.at(-1)).toEqual({ status: 'failed' })
    const program = join(project, 'node_modules/.bin/normwatch-sync')
    expect((await run(node, [program], { env })).stdout).toBe(
      'normwatch-sync: 0 points sent, 0 refused, 0 files left\n',
    )
  })

  it.each(nodesHere())('sends from a loop that never yields in Node %s', async (_version, node) => {
    const server = await startServer()
    await writeFile(
      join(project, 'spin.js'),
      `import { init } from '@normwatch/sdk'
       const run = init({ id: 'spin' })
       const aMoment = new Int32Array(new SharedArrayBuffer(4))
       for (let step = 0; ; step++) {
         run.log({ step, loss: 1 })
         Atomics.wait(aMoment, 0, 0, 1)
       }`,
    )
    const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(project, 'spool') }
    const spinning = spawn(node, ['spin.js'], { cwd: project, env, stdio: 'ignore' })
    onTestFinished(() => void spinning.kill('SIGKILL'))
    await vi.waitFor(() => expect(server.steps('spin').length).toBeGreaterThan(500), { timeout: 20_000 })
  })

  it.each(nodesHere().filter(([version]) => Number(/^v(\d+)/.exec(version)?.[1]) >= 22))(
    'can be loaded by require in Node %s',
    async (_version, node) => {
      const server = await startServer()
      await writeFile(
        join(project, 'required.cjs'),
        `const { init } = require('@normwatch/sdk')
         const run = init({ id: 'required' })
         run.log({ loss: 1 })
         run.finish().then((report) => console.log(report.sent))`,
      )
      const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(project, 'spool') }
      expect((await run(node, ['required.cjs'], { cwd: project, env })).stdout).toBe('1\n')
    },
  )

  describe('in a browser', () => {
    async function openPage(server: SmallServer, script: string): Promise<Page> {
      const browser = await chromium.launch({
        executablePath: ensureBrowser('chromium'),
        args: ['--no-sandbox', '--disable-gpu'],
      })
      onTestFinished(() => browser.close())
      const page = await browser.newPage()
      const sdk = await readFile(join(installed(), 'browser.js'), 'utf8')
      const body = `<script type="module">${script}</script>`
      await page.route('**/sdk.js', (route) => route.fulfill({ contentType: 'text/javascript', body: sdk }))
      await page.route('**/training.html', (route) => route.fulfill({ contentType: 'text/html', body }))
      await page.goto(`${server.url}/training.html`)
      await page.waitForFunction(`document.title !== ''`)
      return page
    }

    it('records a run to its end', async () => {
      const server = await startServer()
      const page = await openPage(
        server,
        `import { init, clipByValue } from '/sdk.js'
         const run = init({ id: 'browser', url: location.origin, clipValue: 0.5 })
         for (let i = 0; i < 3000; i++) run.log({ ...clipByValue([new Float32Array([0.25, i])], 0.5), loss: 1 / i })
         document.title = JSON.stringify(await run.finish())`,
      )
      expect(JSON.parse(await page.title())).toEqual({
        sent: 3000,
        unsent: 0,
        refused: 0,
        lost: 0,
        invalid: 0,
        spool: null,
        refusedFile: null,
      })
      expect(server.steps('browser')).toHaveLength(3000)
      const [first] = server.steps('browser')
      expect(first).toEqual([0, { grad_norm: 0.25, max_abs_grad: 0.25, clip_fraction: 0, loss: Infinity }])
      expect(server.runs.get('browser')).toEqual([
        { clip: { mode: 'value', clip_value: 0.5 } },
        { status: 'finished' },
      ])
    })

    it('sends waiting readings when the page is closed', async () => {
      const server = await startServer()
      const page = await openPage(
        server,
        `import { init } from '/sdk.js'
         const run = init({ id: 'browser', url: location.origin })
         await run.flush()
         addEventListener('click', () => { for (let i = 0; i < 100; i++) run.log({ loss: i }); location.href = 'about:blank' })
         document.title = 'ready'`,
      )
      await page.click('html')
      await page.waitForURL('about:blank')
      await expect.poll(() => server.steps('browser')).toHaveLength(100)
    })
  })

  it('has types that need no other package', async () => {
    await writeFile(
      join(project, 'train.ts'),
      `import { clipByGlobalNorm, clipByValue, globalNorm, init, sync, type FinishReport, type Run } from '@normwatch/sdk'
       /** Fails to compile unless both types are the same. */
       const is = <A>() => <B>(_same: [A] extends [B] ? ([B] extends [A] ? true : false) : false) => {}
       const run: Run = init({ maxNorm: 1, mode: 'online' })
       is<void>()<ReturnType<Run['log']>>(true)
       is<Promise<boolean>>()<ReturnType<Run['flush']>>(true)
       is<number>()<FinishReport['sent']>(true)
       is<string | null>()<FinishReport['spool']>(true)
       is<readonly string[]>()<Awaited<ReturnType<typeof sync>>['filesLeft']>(true)
       is<number>()<ReturnType<typeof globalNorm>>(true)
       is<number>()<ReturnType<typeof clipByGlobalNorm>>(true)
       run.log({ ...clipByValue([new Float32Array(2), new Float64Array(2), [1, 2]], 0.5), loss: null, lr: undefined }, { batch: [1, 2] })
       run.log({ loss: 1 }, { batch: () => new Int32Array(2) })
       run.part('critic', { clipValue: 0.5, optimizer: 'adam' }).log({ gradNorm: 1, maxNorm: Infinity })
       run.event('stage 2', { step: 3, time: 4, text: 'longer contexts' })
       init({ config: new Map([['lr', 1]]), tags: ['a'], id: undefined })
       // @ts-expect-error whole numbers cannot be clipped in place
       clipByGlobalNorm([new Int32Array(2)], 1)
       // @ts-expect-error a single tensor is not a list of tensors
       clipByGlobalNorm(new Float32Array(2), 1)
       // @ts-expect-error a metric of another name belongs to the run
       run.part('critic').log({ accuracy: 1 })
       // @ts-expect-error there is no such status
       run.finish({ status: 'done' })
       // @ts-expect-error there is no such option
       sync({ urls: 'http://127.0.0.1:1' })
       run.log({ step: 1, gradNorm: 1, 'val/acc': 0.5, layers: { a: 1 } })
       // @ts-expect-error a loss is not a text
       run.log({ loss: '0.5' })
       // @ts-expect-error there is no such option
       init({ maxNrom: 1 })
       export const report: Promise<FinishReport> = run.finish({ timeoutMs: 1 })
       export const sent: number = (await sync()).sent`,
    )
    const compilerOptions = {
      strict: true,
      noEmit: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022'],
      types: [],
    }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['train.ts'] }))
    const compiled = run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', project])
    expect(await compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
      stdout: '',
    })
  })
})
