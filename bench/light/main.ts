/** `npm run bench:light`: size of the dashboard, start time and idle memory of the server, and drawing of a long run. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { load, machine, median, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import { stepsOf } from '../storage/run-of-steps.ts'
import { pageWeight } from './page-weight.ts'
import { runPage } from './run-page.ts'

const STEPS = 1_000_000
const STARTS = 7

const results: Record<string, unknown> = machine()
const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
try {
  await withServer(async (server) => {
    await server.put('long', { clip: { mode: 'norm', max_norm: 1 } })
    for (let from = 0; from < STEPS; from += 10_000) await server.post('long', columns(from))
  })
  const starts: number[] = []
  const idle: number[] = []
  for (let start = 0; start < STARTS; start++) {
    await withServer(async (server) => {
      starts.push(Math.round(server.startSeconds * 1000) / 1000)
      await sleep(3000)
      idle.push(server.megabytes)
    })
  }
  note('secondsToFirstAnswer', { median: median(starts), each: starts })
  note('idleMegabytes', { median: median(idle), each: idle })
  await withServer(async (server) => {
    const run = `${server.url}/runs/long`
    note('kilobytesOfScriptsAndStyles', await pageWeight([server.url, run]))
    const { drawn, ...page } = await runPage(run)
    note('runPageOfAMillionSteps', { drawnMedian: median(drawn), drawn, ...page })
  })
} finally {
  rmSync(folder, { recursive: true })
}
await writeResults(import.meta.dirname, results)

function note(name: string, figures: object): void {
  results[name] = { ...figures, loadAverage: load() }
  console.log(name, results[name])
}

function columns(from: number): Record<string, number[]> {
  const { step, time, metrics } = stepsOf(from, 10_000)
  const readings = [...metrics].map(([name, { values }]) => [name, [...values]] as const)
  return { step: [...step], time: [...time], ...Object.fromEntries(readings) }
}

async function withServer(work: (server: ServerProcess) => Promise<void>): Promise<void> {
  const server = await ServerProcess.start(folder)
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}
