/**
 * `npm run bench:sdk:peers`: compares the Python SDK's log call with those of other trackers, one process each, in turns, on
 * this machine. Then compares a training with and without the SDK (`-- --only-training`: only this). Each tracker has its own
 * environment under `.venv/`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensurePython, run } from '../../scripts/python-env.ts'
import { median, ServerProcess } from '../server-process.ts'
import { keep } from './keep.ts'

const root = join(import.meta.dirname, '..', '..')
const sdk = join(root, 'packages', 'sdk-python')
const STEPS = 100_000
const ROUNDS = 3
const TIMEOUT_MS = 300_000
const TRAINING_ROUNDS = '1200'

/** The result of one process: the writer's name and its figures. */
interface Row {
  readonly writer: string
  readonly [figure: string]: string | number
}

const PEERS: Readonly<Record<string, { packages: string[]; steps: number }>> = {
  trackio: { packages: ['trackio==0.43.0'], steps: STEPS },
  swanlab: { packages: ['swanlab==0.10.3'], steps: STEPS },
  tensorboardx: { packages: ['tensorboardX==2.6.5'], steps: STEPS },
  wandb: { packages: ['wandb==0.31.0'], steps: 20_000 },
  aim: { packages: ['aim==3.29.1'], steps: 10_000 },
  mlflow: { packages: ['mlflow==3.17.2'], steps: 500 },
}
const { values: flags } = parseArgs({ options: { 'only-training': { type: 'boolean', default: false } } })
const rounds = flags['only-training'] ? 0 : ROUNDS

const own = ensurePython({
  name: 'python',
  requirements: join(sdk, 'requirements-dev.txt'),
  seesSystem: true,
})
run(own, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--force-reinstall', '--no-deps', sdk])
const pythons = new Map<string, string>()
for (const name of rounds > 0 ? Object.keys(PEERS) : []) {
  try {
    pythons.set(name, ensurePeer(name))
  } catch {
    console.error(`${name} is left out: its packages could not be installed`)
  }
}
const data = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const server = await ServerProcess.start(join(data, 'server'))
const rows: Row[] = []
try {
  for (let round = 0; round < rounds; round++) {
    for (const writer of ['nothing', 'normwatch', ...pythons.keys()]) {
      const steps = `${PEERS[writer]?.steps ?? STEPS}`
      const row = measure(pythons.get(writer) ?? own, 'bench_log.py', [writer, steps])
      if (row !== undefined) rows.push(row as Row)
    }
  }
  if (rounds > 0) await keep('python: a log call, beside other trackers', medians())
  const training = measure(own, 'bench_training.py', [TRAINING_ROUNDS])
  if (training !== undefined) await keep('python: a training', training)
} finally {
  await server.stop()
  rmSync(data, { recursive: true, force: true })
}

/** Runs a script that prints its figures as a line of JSON. */
function measure(python: string, script: string, args: readonly string[]): unknown {
  const env = { ...process.env, NORMWATCH_URL: server.url, NORMWATCH_SPOOL: join(data, 'spool') }
  const { status, stdout } = spawnSync(python, [join(import.meta.dirname, script), ...args], {
    cwd: data,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  })
  const said = stdout.trim().split('\n').at(-1) ?? ''
  if (status !== 0) {
    console.error(`${script} ${args.join(' ')} did not come to its end within ${TIMEOUT_MS / 1000} s`)
    return undefined
  }
  console.log(said)
  return JSON.parse(said)
}

/** The median of each figure over the rounds of each writer. */
function medians(): Row[] {
  return [...Map.groupBy(rows, ({ writer }) => writer)].map(([writer, same]) => {
    const figures = Object.keys(same[0] as Row).filter((name) => name !== 'writer')
    const of = (name: string) => median(same.map((row) => row[name] as number))
    return { writer, ...Object.fromEntries(figures.map((name) => [name, of(name)])) }
  })
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
