/**
 * `npm run bench:import`: logs into a running server on the same machine. JSON lines, a folder of 1,000 small runs, and the
 * memory of a reading of a longer and a shorter log.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine, ServerProcess } from '../server-process.ts'

const NORMWATCH = join(import.meta.dirname, '../../apps/server/src/cli/normwatch.ts')
const POINTS = 1_000_000
const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-import-'))

const line = (step: number): string =>
  `{"step": ${step}, "loss": ${(2 + Math.sin(step)).toFixed(4)}, "grad_norm": ${(1 + Math.cos(step) / 2).toFixed(4)}, "lr": 0.001}\n`

async function writeLog(path: string, points: number): Promise<void> {
  const file = createWriteStream(path)
  for (let step = 0; step < points; step += 1000) {
    const text = Array.from({ length: 1000 }, (_, i) => line(step + i)).join('')
    if (!file.write(text)) await once(file, 'drain')
  }
  file.end()
  await once(file, 'close')
}

/** Imports in a process of its own; gives its seconds and the most memory it had, in MiB. */
async function run(url: string, path: string): Promise<{ seconds: number; megabytes: number }> {
  const begin = performance.now()
  const child = spawn(process.execPath, [NORMWATCH, 'import', path, '--max-norm', '1', '--json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NORMWATCH_URL: url },
  })
  let kibibytes = 0
  const timer = setInterval(() => {
    try {
      kibibytes = Number(
        /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? kibibytes,
      )
    } catch {
      // it has just ended
    }
  }, 20)
  const [code] = (await once(child, 'exit')) as [number]
  clearInterval(timer)
  if (code !== 0) throw new Error(`import ended with ${code}`)
  return { seconds: (performance.now() - begin) / 1000, megabytes: Math.round(kibibytes / 1024) }
}

const server = await ServerProcess.start(join(folder, 'data'))
try {
  const log = join(folder, 'log.jsonl')
  await writeLog(log, POINTS)
  const lines = await run(server.url, log)
  const small = join(folder, 'small')
  for (let i = 0; i < 1000; i++) {
    mkdirSync(join(small, String(i)), { recursive: true })
    writeFileSync(
      join(small, String(i), 'metrics.jsonl'),
      Array.from({ length: 100 }, (_, step) => line(step)).join(''),
    )
  }
  const many = await run(server.url, small)
  const memory: Record<string, number> = {}
  for (const points of [2_000_000, 8_000_000]) {
    const long = join(folder, `long-${points}.jsonl`)
    await writeLog(long, points)
    memory[`${points} points`] = (await run(server.url, long)).megabytes
    rmSync(long)
  }
  const result = {
    ...machine(),
    jsonLines: {
      points: POINTS,
      seconds: lines.seconds,
      pointsPerSecond: Math.round(POINTS / lines.seconds),
    },
    thousandSmallRuns: { seconds: many.seconds },
    megabytes: memory,
  }
  writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify(result, undefined, 2)}\n`)
  console.log(JSON.stringify(result, undefined, 2))
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
