/** A training process for tests: logs a million steps as fast as it can, prints its peak memory in MiB and ends. */
import { setImmediate } from 'node:timers/promises'
import { init } from '@normwatch/sdk'

const run = init({ id: 'million', maxNorm: 1 })
for (let step = 0; step < 1_000_000; step++) {
  run.log({ gradNorm: step === 7 ? NaN : step % 7, loss: Math.sin(step) + 2 })
  if (step % 1_000 === 0) await setImmediate()
}
process.on('exit', () => process.stdout.write(String(process.resourceUsage().maxRSS / 1024)))
