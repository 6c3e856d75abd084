/**
 * What recording costs a whole training: the toy RNN with the SDK on and off in turn, CPU time of this process (all of its
 * threads) and wall time. `node bench/sdk/bench-training.ts [--pairs 5]`, with a server running at NORMWATCH_URL.
 */
import { parseArgs } from 'node:util'
import { init, type Mode } from '@normwatch/sdk'
import { train } from '../../examples/toy-rnn/train.ts'

const { values: flags } = parseArgs({ options: { pairs: { type: 'string', default: '5' } } })
const maxNorm = 1

async function measure(mode: Mode): Promise<{ cpu: number; wall: number }> {
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const run = init({ project: 'bench', name: 'toy RNN', maxNorm, mode })
  await train({ clipping: { maxNorm }, seed: 2, onStep: (readings) => run.log(readings) })
  await run.finish()
  const { user, system } = process.cpuUsage(cpuBefore)
  return { cpu: (user + system) / 1_000, wall: performance.now() - startedAt }
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

await measure('online')
const on: { cpu: number; wall: number }[] = []
const off: typeof on = []
for (let pair = 0; pair < Number(flags.pairs); pair++) {
  off.push(await measure('disabled'))
  on.push(await measure('online'))
}
for (const figure of ['cpu', 'wall'] as const) {
  const [offMs, onMs] = [off, on].map((all) => median(all.map((one) => one[figure]))) as [number, number]
  const costs = on.map((one, pair) => one[figure] - (off[pair] as typeof one)[figure])
  console.log(
    JSON.stringify({
      figure,
      off_ms: Math.round(offMs),
      on_ms: Math.round(onMs),
      cost_percent: +((100 * median(costs)) / offMs).toFixed(2),
    }),
  )
}
