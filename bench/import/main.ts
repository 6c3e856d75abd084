/**
 * `npm run bench:import`: imports logs into a running server on the same machine. In turns, in one run, it measures: only
 * `JSON.parse` of the lines; a client that posts the same points ready-made (no importer can be faster than these two); JSON
 * lines; and a TensorBoard event file. Then it measures a folder of 1,000 small runs, 100 followed logs, and the memory for
 * shorter and longer logs.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine, ServerProcess } from '../server-process.ts'
import { followIdleLogs } from './follow.ts'
import { jsonLine, postReadyMade, writeEventFile, writeJsonLines } from './logs.ts'

const NORMWATCH = join(import.meta.dirname, '../../apps/server/src/cli/normwatch.ts')
const POINTS = 2_000_000
const ROUNDS = 3
const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-import-'))

interface Import {
  readonly seconds: number
  /** Processor time of the importing process. */
  readonly cpuSeconds: number
  /** Its peak memory, in MiB. */
  readonly megabytes: number
}

/** Imports in a separate process. */
async function run(url: string, path: string): Promise<Import> {
  const begin = performance.now()
  const child = spawn(process.execPath, [NORMWATCH, 'import', path, '--max-norm', '1', '--json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NORMWATCH_URL: url },
  })
  let kibibytes = 0
  let ticks = 0
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      kibibytes = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? kibibytes)
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      ticks = Number(fields[11]) + Number(fields[12])
    } catch {
      // the process has just ended
    }
  }, 20)
  const [code] = (await once(child, 'exit')) as [number]
  clearInterval(timer)
  if (code !== 0) throw new Error(`import ended with ${code}`)
  return {
    seconds: (performance.now() - begin) / 1000,
    cpuSeconds: ticks / 100,
    megabytes: Math.round(kibibytes / 1024),
  }
}

/** Processor seconds that this process needs to parse the lines of a log without using them. */
function parseSeconds(path: string): number {
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  const begin = process.cpuUsage()
  let sum = 0
  for (const line of lines) sum += (JSON.parse(line) as { step: number }).step
  const { user, system } = process.cpuUsage(begin)
  if (sum !== (POINTS * (POINTS - 1)) / 2) throw new Error('the log does not hold each step once')
  return (user + system) / 1e6
}

const server = await ServerProcess.start(join(folder, 'data'))
try {
  const jsonLines = join(folder, 'log.jsonl')
  await writeJsonLines(jsonLines, POINTS)
  const events = join(folder, 'events.out.tfevents.1')
  await writeEventFile(events, POINTS)
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const parseOnly = parseSeconds(jsonLines)
    const begin = performance.now()
    const floorCpu = server.cpuSeconds
    await postReadyMade(server.url, `floor-${round}`, POINTS)
    const seconds = (performance.now() - begin) / 1000
    const serverCpu = server.cpuSeconds - floorCpu
    const lines = await run(server.url, jsonLines)
    const tensorboard = await run(server.url, events)
    for (const id of await runIds(server.url))
      await fetch(`${server.url}/api/v1/runs/${id}`, { method: 'DELETE' })
    rounds.push({
      parseOnly: { cpuSeconds: parseOnly, pointsPerCpuSecond: Math.round(POINTS / parseOnly) },
      readyMade: { seconds, serverCpuSeconds: serverCpu, pointsPerSecond: Math.round(POINTS / seconds) },
      jsonLines: {
        ...lines,
        pointsPerSecond: Math.round(POINTS / lines.seconds),
        pointsPerCpuSecond: Math.round(POINTS / lines.cpuSeconds),
        timesParsing: lines.cpuSeconds / parseOnly,
        ofFloor: seconds / lines.seconds,
      },
      tensorboard: {
        ...tensorboard,
        pointsPerSecond: Math.round(POINTS / tensorboard.seconds),
        pointsPerCpuSecond: Math.round(POINTS / tensorboard.cpuSeconds),
        ofFloor: seconds / tensorboard.seconds,
      },
    })
  }
  const small = join(folder, 'small')
  for (let i = 0; i < 1000; i++) {
    mkdirSync(join(small, String(i)), { recursive: true })
    writeFileSync(
      join(small, String(i), 'metrics.jsonl'),
      Array.from({ length: 100 }, (_, step) => jsonLine(step)).join(''),
    )
  }
  const many = await run(server.url, small)
  const following = await followIdleLogs(server.url, join(folder, 'followed'))
  const megabytes: Record<string, number> = {}
  for (const points of [500_000, 4_000_000]) {
    const long = join(folder, `long-${points}.jsonl`)
    await writeJsonLines(long, points)
    megabytes[`${points} points`] = (await run(server.url, long)).megabytes
    rmSync(long)
  }
  const result = { ...machine(), points: POINTS, rounds, thousandSmallRuns: many, following, megabytes }
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(JSON.stringify(result, undefined, 2))
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function runIds(url: string): Promise<string[]> {
  const reply = (await (await fetch(`${url}/api/v1/runs?limit=200`)).json()) as { runs: { id: string }[] }
  return reply.runs.map(({ id }) => id)
}
