/**
 * `node bench/sdk/bench-log.ts [--calls 200000]`: time of `run.log` for the caller, compared with an empty call, while a real
 * server process takes the readings in the background. Medians and percentiles come from calls that are timed one by one. The
 * mean comes from whole blocks, so it does not include clock reads.
 */
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { init, type Readings } from '@normwatch/sdk'
import { keep } from './keep.ts'

const { values: flags } = parseArgs({ options: { calls: { type: 'string', default: '200000' } } })
const CALLS = Number(flags.calls)
const BLOCK = 1_000
const rows: object[] = []

const server = createServer((request, response) => {
  request.resume().on('end', () => response.end('{"id":"toy","accepted":0,"last_step":null}'))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const address = server.address()
if (address === null || typeof address === 'string') throw new Error('no port')

/** The call of one training step. `null` measures an empty call. */
type Call = ((readings: Readings) => void) | null

async function measure(name: string, call: Call): Promise<void> {
  const single = new Float64Array(CALLS)
  const blocks: number[] = []
  const work = call ?? (() => {})
  for (let i = 0; i < 20_000; i++) work({ step: i, gradNorm: i * 0.5, loss: 1 / i, lr: 1e-3 })
  for (let from = 0; from < CALLS; from += BLOCK) {
    for (let i = from; i < from + BLOCK; i++) {
      const start = process.hrtime.bigint()
      work({ step: i, gradNorm: i * 0.5, loss: 1 / i, lr: 1e-3 })
      single[i] = Number(process.hrtime.bigint() - start)
    }
    // yield, as a training loop does now and then, so that the background can run
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (let from = 0; from < CALLS; from += BLOCK) {
    const start = process.hrtime.bigint()
    for (let i = from; i < from + BLOCK; i++) work({ step: i, gradNorm: i * 0.5, loss: 1 / i, lr: 1e-3 })
    blocks.push(Number(process.hrtime.bigint() - start) / BLOCK)
    await new Promise((resolve) => setImmediate(resolve))
  }
  single.sort()
  const at = (share: number) => Math.round(single[Math.min(CALLS - 1, Math.floor(share * CALLS))] as number)
  const mean = Math.round(blocks.reduce((sum, block) => sum + block, 0) / blocks.length)
  const row = {
    name,
    calls: CALLS,
    median_ns: at(0.5),
    p99_ns: at(0.99),
    max_ns: at(1),
    mean_ns: mean,
  }
  console.log(JSON.stringify(row))
  rows.push(row)
}

await measure('empty call', null)
const disabled = init({ mode: 'disabled' })
await measure('log, disabled', (readings) => disabled.log(readings))
const run = init({ url: `http://127.0.0.1:${address.port}`, project: 'bench', maxNorm: 1 })
await measure('log, online', (readings) => run.log(readings))
console.log(JSON.stringify(await run.finish({ timeoutMs: 60_000 })))
server.close()
await keep('typescript: a log call', rows)
