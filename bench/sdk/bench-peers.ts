/**
 * `npm run bench:sdk:peers`: the Python SDK's log call beside other trackers', one process each, in turns, on this machine;
 * then a whole training with and without it. Each tracker has an environment of its own under `.venv/`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensurePython, run } from '../../scripts/python-env.ts'

const root = join(import.meta.dirname, '..', '..')
const sdk = join(root, 'packages', 'sdk-python')
const STEPS = 100_000
const ROUNDS = 2
const TIMEOUT_MS = 90_000
const PEERS: Readonly<Record<string, { packages: string[]; steps: number }>> = {
  trackio: { packages: ['trackio==0.43.0'], steps: STEPS },
  swanlab: { packages: ['swanlab==0.10.3'], steps: STEPS },
  tensorboardx: { packages: ['tensorboardX==2.6.5'], steps: STEPS },
  wandb: { packages: ['wandb==0.31.0'], steps: 20_000 },
  aim: { packages: ['aim==3.29.1'], steps: 10_000 },
  mlflow: { packages: ['mlflow==3.17.2'], steps: 500 },
}
const { values: flags } = parseArgs({ options: { only: { type: 'string', multiple: true } } })
const chosen = Object.keys(PEERS).filter((name) => flags.only?.includes(name) ?? true)

const own = ensurePython({
  name: 'python',
  requirements: join(sdk, 'requirements-dev.txt'),
  seesSystem: true,
})
run(own, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--force-reinstall', '--no-deps', sdk])
const pythons = new Map<string, string>()
for (const name of chosen) {
  try {
    pythons.set(name, ensurePeer(name))
  } catch {
    console.error(`${name} is left out: its packages could not be installed`)
  }
}
const data = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const port = await freePort()
const url = `http://127.0.0.1:${port}`
const server = spawn(
  process.execPath,
  [join(root, 'apps/server/src/main.ts'), '--port', `${port}`, '--data', data],
  { stdio: 'ignore' },
)
try {
  await untilReady()
  for (let round = 0; round < ROUNDS; round++) {
    log(own, 'nothing', STEPS)
    log(own, 'normwatch', STEPS)
    for (const [name, python] of pythons) log(python, name, PEERS[name]?.steps ?? STEPS)
  }
  run(own, [join(root, 'bench/sdk/bench_training.py'), '40'], data, { NORMWATCH_URL: url })
} finally {
  server.kill()
  rmSync(data, { recursive: true, force: true })
}

function log(python: string, writer: string, steps: number): void {
  const args = [join(root, 'bench/sdk/bench_log.py'), writer, `${steps}`]
  const env = { ...process.env, NORMWATCH_URL: url }
  const { status } = spawnSync(python, args, { cwd: data, env, stdio: 'inherit', timeout: TIMEOUT_MS })
  if (status !== 0) console.error(`${writer} did not come to its end within ${TIMEOUT_MS / 1000} s`)
}

function ensurePeer(name: string): string {
  const folder = join(root, '.venv', `peer-${name}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(join(folder, 'ready'))) return python
  run(own, ['-m', 'venv', folder])
  run(python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', ...(PEERS[name]?.packages ?? [])])
  writeFileSync(join(folder, 'ready'), '')
  return python
}

async function untilReady(): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error('the server does not start')
    const reply = await fetch(`${url}/readyz`).catch(() => undefined)
    if (reply?.ok === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
