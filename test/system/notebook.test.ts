import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, it, onTestFinished, type TestContext } from 'vitest'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { ensurePython } from '../../scripts/python-env.ts'
import { buildDashboard } from '../../apps/dashboard/e2e/build-dashboard.ts'
import { freePort } from '../../apps/server/test/free-port.ts'
import { startServer } from '../../apps/server/test/server-process.ts'

const root = join(import.meta.dirname, '../..')
const TOKEN = `nw_${'n'.repeat(43)}`
const JUPYTER_TOKEN = 'notebook'
const PATIENCE = { timeout: 90_000 }

/** The Python of an environment with JupyterLab, or the reason why it cannot be installed here. */
function findJupyter(): { python: string } | { reason: string } {
  try {
    const requirements = join(import.meta.dirname, 'requirements-jupyter.txt')
    const environment = {
      name: 'jupyter',
      requirements,
      seesSystem: false,
      diskBytes: 1e9,
      timeoutMs: 400_000,
    }
    return { python: ensurePython(environment) }
  } catch (error) {
    return { reason: String(error).split('\n')[0] as string }
  }
}

function notebookOf(cells: readonly string[]): string {
  const code = cells.map((source, i) => ({
    cell_type: 'code',
    id: `cell-${i}`,
    execution_count: null,
    metadata: {},
    outputs: [],
    source,
  }))
  const kernelspec = { display_name: 'Python 3', language: 'python', name: 'python3' }
  return JSON.stringify({ cells: code, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 })
}

const TRAINING = `import normwatch
run = normwatch.init(id="in-a-cell", name="in a cell", max_norm=1.0)
for step in range(500):
    run.log(grad_norm=2.0 + step % 7, loss=1.0)
report = run.finish()
normwatch.show(run)`

interface Jupyter {
  readonly python: string
  readonly folder: string
  readonly server: string
  readonly token?: string
  /** The host name at which the browser reaches Jupyter. */
  readonly host: string
  readonly port: number
  /** The base path at which a hub serves this user's Jupyter. */
  readonly below: string
  /** The code of the second cell. */
  readonly live: string
}

/** Runs a notebook with a training and a live page, saves it, and opens it in a real JupyterLab. */
async function openNotebook({ python, folder, server, token, host, port, below, live }: Jupyter) {
  const work = join(folder, 'work')
  mkdirSync(work)
  const notebook = join(work, 'run.ipynb')
  writeFileSync(notebook, notebookOf([TRAINING, live]))
  const env = {
    HOME: folder,
    PATH: `${dirname(python)}:${process.env['PATH']}`,
    PYTHONPATH: join(root, 'packages/sdk-python/src'),
    NORMWATCH_URL: server,
    ...(token !== undefined && { NORMWATCH_TOKEN: token }),
  }
  const jupyter = (...args: string[]) =>
    execFileSync(python, ['-m', 'jupyter', ...args], { env, cwd: work, stdio: 'pipe' })
  jupyter('execute', '--inplace', notebook)
  jupyter('trust', notebook)

  const flags = [
    '--no-browser',
    '--allow-root',
    `--port=${port}`,
    '--ServerApp.port_retries=0',
    `--ServerApp.base_url=${below}/`,
    '--ServerApp.allow_remote_access=True',
    `--IdentityProvider.token=${JUPYTER_TOKEN}`,
    `--notebook-dir=${work}`,
  ]
  const lab = spawn(python, ['-m', 'jupyter', 'lab', ...flags], { env, stdio: 'ignore' })
  onTestFinished(async () => {
    // a kernel belongs to a session of its own: only its server, asked to end, takes it along
    lab.kill('SIGTERM')
    if (lab.exitCode === null && lab.signalCode === null) await once(lab, 'exit')
  })
  const answers = () =>
    fetch(`http://127.0.0.1:${port}${below}/api`).then(
      ({ status }) => status,
      () => 0,
    )
  await expect.poll(answers, PATIENCE).toBe(200)

  const browser = await chromium.launch({
    executablePath: ensureBrowser('chromium'),
    args: ['--no-sandbox'],
  })
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } })
  const sockets: string[] = []
  page.on('websocket', (socket) => void sockets.push(socket.url()))
  await page.goto(`http://${host}:${port}${below}/doc/tree/run.ipynb?token=${JUPYTER_TOKEN}`)
  return { page, sockets, saved: readFileSync(notebook, 'utf8') }
}

function ready(test: TestContext): { python: string; folder: string } {
  const found = findJupyter()
  if ('reason' in found) return test.skip(`JupyterLab cannot be installed here: ${found.reason}`)
  buildDashboard()
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-notebook-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return { python: found.python, folder }
}

it('a notebook in a real JupyterLab shows a run in its cells, drawn and live, with a sign-in there', async (test) => {
  const { python, folder } = ready(test)
  const port = await freePort()
  const embed = ['--embed', `http://localhost:${port}`]
  const server = await startServer(join(folder, 'data'), embed, { NORMWATCH_TOKEN: TOKEN })
  const { page, saved } = await openNotebook({
    python,
    folder,
    server: server.url,
    token: TOKEN,
    host: 'localhost',
    port,
    below: '',
    live: 'normwatch.show("in-a-cell", live=True)',
  })
  expect(saved).toContain('<svg role=')
  expect(saved).not.toContain(TOKEN)
  const drawn = page.locator('.jp-OutputArea-output svg[role=img]')
  await expect.poll(() => drawn.count(), PATIENCE).toBe(2)
  expect(await page.locator('.jp-OutputArea-output').first().innerText()).toContain('in a cell')

  // notebook and server are different sites, so the session belongs to the frame
  const frame = page.frameLocator('.jp-OutputArea-output iframe')
  const field = frame.getByLabel(/token/i)
  await field.waitFor(PATIENCE)
  await field.fill(TOKEN)
  await field.press('Enter')
  await frame.getByRole('heading', { name: 'in a cell' }).waitFor(PATIENCE)
}, 900_000)

it('a hub serves the live page to its notebooks by jupyter-server-proxy, under its own path and host name', async (test) => {
  const { python, folder } = ready(test)
  const [port, own] = [await freePort(), await freePort()]
  const hub = `http://hub.localhost:${port}`
  const basePath = `/user/me/proxy/absolute/${own}`
  // the flags from docs/notebooks.md
  const flags = ['--base-path', basePath, '--allowed-hosts', 'hub.localhost', '--embed', hub]
  const server = await startServer(join(folder, 'data'), ['--port', String(own), ...flags])
  const { page, sockets } = await openNotebook({
    python,
    folder,
    server: server.url,
    host: 'hub.localhost',
    port,
    below: '/user/me',
    live: `normwatch.show("in-a-cell", live=True, address="${hub}${basePath}")`,
  })
  const frame = page.frameLocator('.jp-OutputArea-output iframe')
  await frame.getByRole('heading', { name: 'in a cell' }).waitFor(PATIENCE)
  await expect.poll(() => sockets, PATIENCE).toContain(`${hub.replace('http', 'ws')}${basePath}/api/v1/live`)
}, 900_000)
