/** `npm run bench:ingest`: how much one server process ingests over HTTP, durably, with detection and live frames on. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { load as loadAverage, machine, median, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import type { Load, Measured } from './load.ts'

interface Round {
  readonly scalarsPerSecond: number
  readonly requestsPerSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** Processor time of the server per request. */
  readonly microsecondsARequest: number
  readonly livePoints: number
  readonly megabytesIdle: number
  readonly megabytesAtTheEnd: number
  readonly loadAverage: number
}

const ROUNDS = 3
const FLOOR = 'bench/ingest/floor.ts'
const cases: { name: string; load: Load }[] = [
  {
    name: '20 million scalars, 8 clients, 500 steps a request',
    load: { clients: 8, runs: 8, steps: 500, requests: 20_000, readers: 8 },
  },
  {
    name: 'single steps, 64 clients, 200 runs',
    load: { clients: 64, runs: 200, steps: 1, requests: 50_000, readers: 20 },
  },
]

const results: Record<string, unknown> = machine()
for (const { name, load } of cases) {
  const [ours, floor]: [Round[], Round[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measure(load))
    floor.push(await measure({ ...load, readers: 0 }, FLOOR))
  }
  const ratioOf = (field: 'requestsPerSecond' | 'p99' | 'microsecondsARequest') =>
    Math.round((100 * median(ours.map((it) => it[field]))) / median(floor.map((it) => it[field]))) / 100
  const ratios = {
    requestsPerSecond: ratioOf('requestsPerSecond'),
    p99: ratioOf('p99'),
    microsecondsARequest: ratioOf('microsecondsARequest'),
  }
  console.log(name)
  console.table(ours)
  console.log('the floor, in turns, without live readers')
  console.table(floor)
  console.log('ours as a multiple of the floor', ratios)
  results[name] = { ours, floor, ratios }
}
await writeResults(import.meta.dirname, results)

/** One round, with its own server and folder. */
async function measure(load: Load, program?: string): Promise<Round> {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
  const server = await ServerProcess.start(folder, { program })
  try {
    const [idle, used] = [server.megabytes, server.cpuSeconds]
    const args = [join(import.meta.dirname, 'load.ts'), String(server.port), JSON.stringify(load)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { milliseconds, ...measured } = JSON.parse(stdout) as Measured
    return {
      scalarsPerSecond: Math.round(measured.scalarsPerSecond),
      requestsPerSecond: Math.round(measured.requestsPerSecond),
      p50: oneDecimal(milliseconds.p50),
      p99: oneDecimal(milliseconds.p99),
      max: oneDecimal(milliseconds.max),
      microsecondsARequest: Math.round(((server.cpuSeconds - used) / load.requests) * 1e6),
      livePoints: measured.livePoints,
      megabytesIdle: idle,
      megabytesAtTheEnd: server.megabytes,
      loadAverage: loadAverage(),
    }
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10
}
