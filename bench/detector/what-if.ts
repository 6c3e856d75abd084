/**
 * Times the what-if analysis over HTTP on a run of 1,000,000 steps, for different caps and ranges. Part of
 * `npm run bench:detector`.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CapsReply } from '@normwatch/protocol'
import { ServerProcess } from '../server-process.ts'
import { stepsOf } from '../storage/run-of-steps.ts'
import { timed } from '../storage/timing.ts'

const STEPS = 1_000_000
const BATCH = 10_000
const CALLS = 400
const WARM_UP = 5

const folder = mkdtempSync(join(tmpdir(), 'normwatch-bench-'))
const server = await ServerProcess.start(folder)
try {
  await server.put('large', { clip: { mode: 'norm', max_norm: 1 } })
  for (let from = 0; from < STEPS; from += BATCH) {
    const { step, time, metrics } = stepsOf(from, BATCH)
    const columns = Array.from(metrics, ([name, { values }]) => [name, Array.from(values)])
    await server.post('large', { step: [...step], time: [...time], ...Object.fromEntries(columns) })
  }
  await measure('the whole run, 64 caps, asked again', () => '')
  await measure('the whole run, cap after cap', () => `cap=${Math.exp(4 * Math.random() - 2)}`)
  // The server caches the norms of the last range, so each of these ranges is new.
  let first = 0
  await measure('the whole run but its first steps, one cap, never asked before', () => {
    return `from=${++first}&cap=${Math.exp(4 * Math.random() - 2)}`
  })
  await measure('half of the run, one cap', () => {
    const from = Math.floor((Math.random() * STEPS) / 2)
    return `from=${from}&to=${from + STEPS / 2}&cap=${Math.exp(4 * Math.random() - 2)}`
  })
  await measure('ranges of every size, 64 caps', () => {
    const length = Math.floor(100 * (STEPS / 100) ** Math.random())
    const from = Math.floor(Math.random() * (STEPS - length))
    return `from=${from}&to=${from + length}`
  })
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}

async function measure(name: string, query: () => string): Promise<void> {
  const ran = server.cpuSeconds
  const { p50, p99, max } = await timed(CALLS, WARM_UP, async () => {
    const reply = await fetch(`${server.url}/api/v1/runs/large/caps?${query()}`)
    const { steps } = (await reply.json()) as CapsReply
    if (!(steps > 0)) throw new Error('the what-if answers nothing')
  })
  const processor = (((server.cpuSeconds - ran) * 1000) / (CALLS + WARM_UP)).toFixed(1)
  console.log(
    `what-if over HTTP, ${name}: p50 ${p50} ms, p99 ${p99} ms, at most ${max} ms, ${processor} ms of processor time`,
  )
}
