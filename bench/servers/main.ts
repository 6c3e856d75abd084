/** `npm run bench:servers`: time from POST to a frame at a reader of another server, at three servers over one database. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startPostgres } from '../../scripts/postgres.ts'
import type { Load, Seen } from '../live/load.ts'
import { load, machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'

const SERVERS = 3
const ROUNDS = 3
/** Each run sends one batch of ten steps a second, at random moments. */
const LOAD: Load = { runs: 50, batchesPerSecond: 50, seconds: 15, readers: 20, watches: 1 }

const root = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const cluster = await startPostgres()
const servers: ServerProcess[] = []
try {
  const environment = { ...process.env, NORMWATCH_DATABASE_URL: cluster.url('postgres') }
  for (let i = 0; i < SERVERS; i++) {
    servers.push(await ServerProcess.start(join(root, `server-${i}`), { environment }))
  }
  const ports = servers.map(({ port }) => port).join()
  const program = join(import.meta.dirname, '../live/load.ts')
  const rounds = []
  for (let round = 0; round < ROUNDS; round++) {
    const used = servers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
    const { stdout } = await promisify(execFile)(process.execPath, [program, ports, JSON.stringify(LOAD)])
    const { answer, frame, batches, gaps, missing } = JSON.parse(stdout) as Seen
    const serverSeconds = servers.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) - used
    rounds.push({ loadAverage: load(), batches, answer, frame, gaps, missing, serverSeconds })
    console.log(`round ${round + 1} of ${ROUNDS}, load average ${load()}, ${batches} batches`)
    for (const [name, { p50, p99, max }] of Object.entries({ answer, frame }))
      console.log(`  ${name.padEnd(6)} p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms`)
    console.log(`  ${gaps} gaps, ${missing} batches not told, ${serverSeconds.toFixed(1)} processor seconds`)
  }
  await writeResults(import.meta.dirname, { ...machine(), servers: SERVERS, load: LOAD, rounds })
} finally {
  await Promise.all(servers.map((server) => server.stop()))
  await cluster.stop()
  rmSync(root, { recursive: true, force: true })
}
