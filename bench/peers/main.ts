/**
 * `npm run bench:peers [-- --long]`: logs the same run with other trackers and with ours, in turns on this machine: three times
 * 100,000 steps, or a million steps once.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ensurePython } from '../../scripts/python-env.ts'
import { load, machine, median, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { isSpike } from './is-spike.ts'
import { ForeignProcess } from './foreign-process.ts'
import { ourChart, PEERS, type Drawn, type Peer } from './peers.ts'
import { printed, type Figures } from './table.ts'

const isLong = process.argv.includes('--long')
const STEPS = isLong ? 1_000_000 : 100_000
/** How often the run is logged. The median counts, and the last run is served. */
const ROUNDS = isLong ? 1 : 3
const SDK = join(import.meta.dirname, '../../packages/sdk-python/src')
const PORT = Number(process.env['BENCH_PORT'] ?? 4441)

const root = mkdtempSync(join(tmpdir(), 'normwatch-peers-'))
const figures: Figures[] = []
try {
  note(await ours())
  for (const peer of PEERS) note(await theirs(peer).catch((error: unknown) => failed(peer, error)))
} finally {
  rmSync(root, { recursive: true, force: true, maxRetries: 5 })
}
console.log(printed(figures))
const results = { ...machine(), steps: STEPS, scalarsAStep: 2, figures }
await writeResults(import.meta.dirname, results, isLong ? 'results-long.json' : 'results.json')

async function ours(): Promise<Figures> {
  const python = process.env['NORMWATCH_PYTHON'] ?? '/usr/bin/python3'
  const seconds: number[] = []
  let folder = ''
  for (let round = 0; round < ROUNDS; round++) {
    folder = join(root, `ours-${round}`)
    const spool = mkdtempSync(join(root, 'spool-'))
    const server = await ServerProcess.start(folder)
    try {
      const env = { PYTHONPATH: SDK, NORMWATCH_URL: server.url }
      seconds.push(write(python, 'normwatch', spool, env))
    } finally {
      await server.stop()
    }
  }
  const bytesAScalar = size(folder)
  const starts = []
  for (let start = 0; start < 3; start++) {
    const started = await ServerProcess.start(folder)
    starts.push(started.startSeconds)
    await started.stop()
  }
  const serving = await ServerProcess.start(folder)
  try {
    await sleep(3000)
    const idleMegabytes = serving.megabytes
    const reply = await fetch(`${serving.url}/api/v1/runs`)
    const { runs } = (await reply.json()) as { runs: { id: string; points: number }[] }
    if (runs[0]?.points !== STEPS) throw new Error(`${runs[0]?.points} points of ${STEPS} came`)
    const chart = await charted(() => ourChart(serving.url, runs[0]?.id as string))
    const startSeconds = Math.round(median(starts) * 100) / 100
    return {
      name: 'normwatch',
      steps: STEPS,
      ...rates(seconds),
      bytesAScalar,
      startSeconds,
      idleMegabytes,
      ...chart,
    }
  } finally {
    await serving.stop()
  }
}

async function theirs({ name, serve, chart }: Peer): Promise<Figures> {
  const requirements = join(import.meta.dirname, `requirements-${name}.txt`)
  const python = ensurePython({ name: `peer-${name}`, requirements, seesSystem: false })
  const seconds: number[] = []
  let folder = ''
  for (let round = 0; round < ROUNDS; round++) {
    folder = join(root, `${name}-${round}`)
    mkdirSync(folder)
    seconds.push(write(python, name, folder, quiet(folder)))
  }
  const bytesAScalar = size(folder)
  const written = { name, steps: STEPS, ...rates(seconds), bytesAScalar }
  if (serve === undefined || chart === undefined) return written
  const url = `http://127.0.0.1:${PORT}`
  const bin = dirname(python)
  const path = `${bin}:${process.env['PATH']}`
  const server = await ForeignProcess.start(serve(bin, PORT, folder), url, folder, {
    ...process.env,
    ...quiet(folder),
    PATH: path,
  })
  try {
    await sleep(3000)
    const idleMegabytes = server.megabytes
    const drawn = await charted(() => chart(url, folder))
    return { ...written, startSeconds: server.startSeconds, idleMegabytes, ...drawn }
  } finally {
    await server.stop()
  }
}

/** Environment that turns off telemetry and keeps all files in the folder. */
function quiet(folder: string): Record<string, string> {
  return { TRACKIO_DIR: folder, HOME: folder, MLFLOW_DISABLE_TELEMETRY: 'true', DO_NOT_TRACK: '1' }
}

/** Seconds until the run is written and other processes can read it. */
function write(python: string, name: string, folder: string, more: Record<string, string>) {
  const script = join(import.meta.dirname, 'write.py')
  const said = execFileSync(python, [script, name, `${STEPS}`, folder], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...more },
    timeout: 600_000,
  })
  return (JSON.parse(said.trim().split('\n').at(-1) as string) as { seconds: number }).seconds
}

function rates(ingestSeconds: readonly number[]) {
  return { ingestSeconds, scalarsPerSecond: Math.round((2 * STEPS) / median(ingestSeconds)) }
}

/** Repeats the chart call until it includes the end of the run, then returns the median of nine calls and the spikes shown. */
async function charted(ask: () => Promise<Drawn>) {
  const deadline = performance.now() + 60_000
  while (((await ask().catch(() => [])).at(-1)?.[0] ?? 0) < STEPS * 0.95) {
    if (performance.now() > deadline) throw new Error('the chart never comes to the end of the run')
    await sleep(50)
  }
  const milliseconds: number[] = []
  let drawn: Drawn = []
  for (let i = 0; i < 9; i++) {
    const begin = performance.now()
    drawn = await ask()
    milliseconds.push(performance.now() - begin)
  }
  const spikes = Array.from({ length: STEPS }, (_, step) => step).filter(isSpike)
  // A spike is visible if a point covers its step and has a value of 40 or more.
  const seen = spikes.filter((spike) => (drawn.findLast(([step]) => step <= spike)?.[1] ?? 0) >= 40)
  return {
    chartMilliseconds: Math.round(median(milliseconds) * 10) / 10,
    chartPoints: drawn.length,
    spikes: spikes.length,
    spikesSeen: seen.length,
  }
}

function size(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => realpathSync(join(file.parentPath, file.name)))
  const bytes = [...new Set(files)].reduce((sum, file) => sum + statSync(file).size, 0)
  return Math.round((bytes / STEPS / 2) * 10) / 10
}

function failed({ name }: Peer, error: unknown): Figures {
  return { name, steps: STEPS, failed: String(error).slice(0, 400) }
}

function note(figure: Figures): void {
  figures.push({ ...figure, loadAverage: load() })
  console.log(figures.at(-1))
}
