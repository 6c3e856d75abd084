import type { Store } from '../../apps/server/src/storage/store.ts'
import { isSpike } from './run-of-steps.ts'
import { timed, type Timing } from './timing.ts'

/** Times charts of the whole run and of random ranges of every size, and counts the spikes shown. */
export async function charts(store: Store, run: string, steps: number) {
  const maxPoints = 1000
  const ask = (from?: number, to?: number) =>
    store.points.series({ run, metrics: ['grad_norm'], from, to, maxPoints })
  const whole: Timing = await timed(200, 20, () => ask())
  const zoomed: Timing = await timed(400, 20, () => {
    const length = Math.floor(Math.exp(Math.log(100) + Math.random() * Math.log(steps / 100)))
    const from = Math.floor(Math.random() * (steps - length))
    return ask(from, from + length)
  })
  const reply = await ask()
  const norm = reply.series['grad_norm']
  let spikes = 0
  let seen = 0
  for (let step = 0; step < steps; step++) {
    if (!isSpike(step)) continue
    spikes++
    const bucket = norm?.step.indexOf(Math.floor(step / reply.bucket) * reply.bucket) ?? -1
    if ((norm?.max[bucket] ?? 0) >= 40) seen++
  }
  return { whole, zoomed, bytes: JSON.stringify(reply).length, bucket: reply.bucket, spikes, seen }
}
