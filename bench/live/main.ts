/** `npm run bench:live`: time from POST to a reader's frame, a thousand readers of one run, and readers that stop reading. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { load, machine, ServerProcess } from '../server-process.ts'
import { writeResults } from '../write-results.ts'
import type { Load, Seen } from './load.ts'
import { stoppedReaders } from './stopped-readers.ts'

const CASES: { readonly name: string; readonly load: Load }[] = [
  {
    name: '50 runs with 10 batches/s in all, 20 readers of one run each',
    load: { runs: 50, batchesPerSecond: 10, seconds: 20, readers: 20, watches: 1 },
  },
  {
    name: '50 runs with 10 batches/s in all, 20 readers of all 50 runs',
    load: { runs: 50, batchesPerSecond: 10, seconds: 10, readers: 20, watches: 50 },
  },
  {
    name: '50 runs with 10 batches/s each, 20 readers of one run each',
    load: { runs: 50, batchesPerSecond: 500, seconds: 10, readers: 20, watches: 1 },
  },
  {
    name: 'one run with 5 batches/s, 1,000 readers',
    load: { runs: 1, batchesPerSecond: 5, seconds: 10, readers: 1000, watches: 1 },
  },
]

const results = { ...machine(), cases: [] as unknown[] }
for (const { name, load: spec } of CASES) {
  const seen = await withServer((server) => watched(server, spec))
  results.cases.push({ name, load: spec, loadAverage: load(), ...seen })
  console.log(`\n${name} (load average ${load()})`)
  console.log(`  ${seen.batches} batches, ${seen.pointsFrames} points frames, ${seen.otherFrames} others`)
  for (const part of ['answer', 'frame', 'frameAfterQuiet', 'frameCoalesced'] as const) {
    const { calls, p50, p99, max } = seen[part]
    console.log(`  ${part.padEnd(16)} p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms (${calls})`)
  }
  console.log(
    `  ${seen.gaps} gaps, ${seen.missing} batches not told, server ${seen.megabytes} MiB at the end`,
  )
}
const stopped = await withServer(stoppedReaders)
console.log('\nreaders that stop reading\n', stopped)
const all = { ...results, stoppedReaders: { loadAverage: load(), ...stopped } }
await writeResults(import.meta.dirname, all)

async function watched(server: ServerProcess, spec: Load): Promise<Seen & { readonly megabytes: number }> {
  const args = [join(import.meta.dirname, 'load.ts'), String(server.port), JSON.stringify(spec)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return { ...(JSON.parse(stdout) as Seen), megabytes: server.megabytes }
}

async function withServer<Result>(work: (server: ServerProcess) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
  const server = await ServerProcess.start(folder)
  try {
    return await work(server)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}
