import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import { ensureBrowser } from '../../scripts/browsers.ts'
import { ensurePython } from '../../scripts/python-env.ts'
import { buildDashboard } from '../../apps/dashboard/e2e/build-dashboard.ts'
import { startServer } from '../../apps/server/test/server-process.ts'

const root = join(import.meta.dirname, '../..')
const TOKEN = `nw_${'n'.repeat(43)}`
const JUPYTER_TOKEN = 'notebook'
const PATIENCE = { timeout: 90_000 }

/** The Python of an environment with JupyterLab; a sentence where it cannot be installed here. */
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

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
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

it('a notebook shows a run in its cells, drawn and live, signed in there, in a real JupyterLab', async (test) => {
  const found = findJupyter()
  if ('reason' in found) test.skip(`JupyterLab cannot be installed here: ${found.reason}`)
  const { python } = found as { python: string }
  buildDashboard()
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-notebook-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const port = await freePort()
  const origin = `http://localhost:${port}`
  const server = await startServer(join(folder, 'data'), ['--embed', origin], { NORMWATCH_TOKEN: TOKEN })

  const work = join(folder, 'work')
  mkdirSync(work)
  const notebook = join(work, 'run.ipynb')
  const training = `import normwatch
run = normwatch.init(id="in-a-cell", name="in a cell", max_norm=1.0)
for step in range(500):
    run.log(grad_norm=2.0 + step % 7, loss=1.0)
report = run.finish()
normwatch.show(run)`
  writeFileSync(notebook, notebookOf([training, 'normwatch.show("in-a-cell", live=True)']))
  const env = {
    HOME: folder,
    PATH: `${dirname(python)}:${process.env['PATH']}`,
    PYTHONPATH: join(root, 'packages/sdk-python/src'),
    NORMWATCH_URL: server.url,
    NORMWATCH_TOKEN: TOKEN,
  }
  const jupyter = (...args: string[]) =>
    execFileSync(python, ['-m', 'jupyter', ...args], { env, cwd: work, stdio: 'pipe' })
  jupyter('execute', '--inplace', notebook)
  jupyter('trust', notebook)
  const saved = readFileSync(notebook, 'utf8')
  expect(saved).toContain('<svg role=')
  expect(saved).not.toContain(TOKEN)

  const flags = ['--no-browser', '--allow-root', `--port=${port}`, '--ServerApp.port_retries=0']
  const lab = spawn(
    python,
    ['-m', 'jupyter', 'lab', ...flags, `--IdentityProvider.token=${JUPYTER_TOKEN}`, `--notebook-dir=${work}`],
    { env, stdio: 'ignore' },
  )
  onTestFinished(async () => {
    lab.kill('SIGKILL')
    if (lab.exitCode === null && lab.signalCode === null) await once(lab, 'exit')
  })
  const answers = () =>
    fetch(`${origin}/api`).then(
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
  await page.goto(`${origin}/doc/tree/run.ipynb?token=${JUPYTER_TOKEN}`)
  const drawn = page.locator('.jp-OutputArea-output svg[role=img]')
  await expect.poll(() => drawn.count(), PATIENCE).toBe(2)
  expect(await page.locator('.jp-OutputArea-output').first().innerText()).toContain('in a cell')

  // the notebook's site is another than the server's: the session is the frame's own
  const frame = page.frameLocator('.jp-OutputArea-output iframe')
  const field = frame.getByLabel(/token/i)
  await field.waitFor(PATIENCE)
  await field.fill(TOKEN)
  await field.press('Enter')
  await frame.getByRole('heading', { name: 'in a cell' }).waitFor(PATIENCE)
}, 900_000)
