import { performance } from 'node:perf_hooks'
import { STATE_AFTER, type Judgement, type Store } from '../../apps/server/src/storage/store.ts'
import { stepsOf } from './run-of-steps.ts'
import { timing, type Timing } from './timing.ts'

/** A typical summary of a run by the detector. */
export const judgement: Judgement = {
  health: 'ok',
  conditions: [],
  clipping: { window: 200, rate: 0.4, mean_coefficient: 0.8, current_streak: 0, longest_streak: 4 },
  parts: [],
}
/** A state of about the same size as the detector's. */
const state = { recent: Array.from({ length: 1000 }, (_, i) => Math.sin(i)) }

export interface Ingested {
  readonly scalarsPerSecond: number
  readonly appendsPerSecond: number
  readonly appends: Timing
}

/**
 * Appends `steps` steps of grad_norm and loss to each run, in batches of `batch`. The runs are written in parallel, and each
 * waits until its batch is durable. The time includes making the batches.
 */
export async function ingest(
  store: Store,
  runs: readonly string[],
  steps: number,
  batch: number,
  options: { doubles?: boolean } = {},
): Promise<Ingested> {
  const milliseconds: number[] = []
  const begin = performance.now()
  await Promise.all(
    runs.map(async (run, seed) => {
      const clip = { mode: 'norm', max_norm: 1 } as const
      let { version } = (await store.runs.put(run, { clip }, Date.now())).run
      const batchesAState = Math.ceil(Math.min(STATE_AFTER.batches, STATE_AFTER.points / batch))
      for (let from = 0; from < steps; from += batch) {
        const columns = stepsOf(from, Math.min(batch, steps - from), { ...options, seed })
        const sent = performance.now()
        await store.points.append({
          run,
          columns,
          arrivedAt: Date.now(),
          judgement,
          changes: [],
          version: version++,
          state: (from / batch + 1) % batchesAState === 0 ? JSON.stringify(state) : undefined,
        })
        milliseconds.push(performance.now() - sent)
      }
    }),
  )
  const seconds = (performance.now() - begin) / 1000
  return {
    scalarsPerSecond: Math.round((runs.length * steps * 2) / seconds),
    appendsPerSecond: Math.round(milliseconds.length / seconds),
    appends: timing(milliseconds),
  }
}

export const finish = async (store: Store, runs: readonly string[]): Promise<void> => {
  for (const run of runs) await store.runs.patch(run, { status: 'finished' }, Date.now())
}
