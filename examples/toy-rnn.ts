/**
 * The classic exercise on gradient clipping: trains a small RNN for 5 epochs without clipping, then with clipping by global
 * norm, then with clipping by value. Start a server, then run `node examples/toy-rnn.ts`.
 */
import { init } from '@normwatch/sdk'
import { train, type Clipping } from './toy-rnn/train.ts'

export interface Exercise {
  readonly name: string
  readonly clipping: Clipping
}

export const exercises: readonly Exercise[] = [
  { name: 'no clipping', clipping: 'none' },
  { name: 'clip by norm 1.0', clipping: { maxNorm: 1.0 } },
  { name: 'clip by value 0.05', clipping: { clipValue: 0.05 } },
]

const SEED = 2

/** Trains with one way of clipping as its own run, and resolves to the run's id. The monitor cannot fail the training. */
export async function runExercise({ name, clipping }: Exercise, signal?: AbortSignal): Promise<string> {
  const run = init({
    project: 'toy-rnn',
    name,
    ...(clipping === 'none' ? {} : clipping),
    optimizer: 'sgd with momentum 0.9',
    config: { task: 'adding problem', seed: SEED },
    tags: ['exercise'],
  })
  await train({ clipping, seed: SEED, onStep: (readings) => run.log(readings), ...(signal && { signal }) })
  await run.finish({ status: signal?.aborted === true ? 'failed' : 'finished' })
  return run.id
}

if (import.meta.main) {
  const ids: string[] = []
  for (const exercise of exercises) ids.push(await runExercise(exercise))
  console.log(`compare: /compare?${ids.map((id) => `run=${id}`).join('&')}`)
}
