/** `npm run bench:ingest`: how much one server process takes in over HTTP, durably, with detection and live frames on. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Load, Measured } from './load.ts'

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

console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}\n`)
for (const { name, load } of cases) await measure(name, load)

async function measure(name: string, load: Load): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
  const server = spawn(process.execPath, ['apps/server/src/main.ts', '--port', '0', '--data', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [text] = (await Promise.race([once(server.stdout, 'data'), failed(server)])) as [Buffer]
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(String(text))?.[1] as string
    const idle = memory(server.pid as number)
    const usedBefore = processorSeconds(server.pid as number)
    const args = [join(import.meta.dirname, 'load.ts'), port, JSON.stringify(load)]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    const { seconds, requestsPerSecond, scalarsPerSecond, milliseconds, liveFrames, livePoints } = JSON.parse(
      stdout,
    ) as Measured
    const { p50, p99, max } = milliseconds
    console.log(name)
    console.log(
      `  ${round(scalarsPerSecond)} scalars/s, ${round(requestsPerSecond)} requests/s in ${seconds.toFixed(1)} s`,
    )
    console.log(
      `  answer after p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, at most ${max.toFixed(0)} ms`,
    )
    console.log(`  ${load.readers} live readers got ${liveFrames} frames, ${livePoints} of them points`)
    const used = (processorSeconds(server.pid as number) - usedBefore) / load.requests
    console.log(`  ${(used * 1e6).toFixed(0)} µs of the server's processor time a request`)
    console.log(`  memory ${idle} MiB idle, ${memory(server.pid as number)} MiB at the end\n`)
  } finally {
    if (server.kill('SIGINT')) await once(server, 'exit')
    rmSync(folder, { recursive: true })
  }
}

async function failed(server: ChildProcess): Promise<never> {
  const [code] = (await once(server, 'exit')) as [number | null]
  throw new Error(`the server ended with ${code}`)
}

/** Resident memory in MiB, as the kernel counts it. */
function memory(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kilobytes) / 1024)
}

/** Seconds of processor time, all threads, in user and kernel; Linux counts hundredths. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en')
}
