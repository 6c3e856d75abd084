import { performance } from 'node:perf_hooks'
import type { ServerProcess } from '../server-process.ts'
import { stepsOf } from './run-of-steps.ts'
import { timing } from './timing.ts'

const WRITERS = 4
const BATCH = 100

/** Sends batches to runs of this name, as fast as they are answered, while `work` runs. Returns the milliseconds of each. */
export async function whileWriting(server: ServerProcess, name: string, work: () => Promise<unknown>) {
  const milliseconds: number[] = []
  let isOver = false
  const begin = performance.now()
  const writers = Array.from({ length: WRITERS }, async (_, seed) => {
    const run = `${name}-${seed}`
    await server.put(run, { clip: { mode: 'norm', max_norm: 1 } })
    for (let from = 0; !isOver; from += BATCH) {
      const { step, time, metrics } = stepsOf(from, BATCH, { seed })
      const readings = [...metrics].map(([metric, { values }]) => [metric, [...values]])
      const sent = performance.now()
      await server.post(run, { step: [...step], time: [...time], ...Object.fromEntries(readings) })
      milliseconds.push(performance.now() - sent)
    }
  })
  await Promise.race([work(), Promise.all(writers)])
  isOver = true
  await Promise.all(writers)
  return { batches: timing(milliseconds), seconds: Math.round((performance.now() - begin) / 100) / 10 }
}
