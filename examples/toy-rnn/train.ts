import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import * as layers from '@tensorflow/tfjs-layers'
import type { Readings } from '@normwatch/sdk'
import { clipByGlobalNorm, clipByValue, globalNorm } from '@normwatch/sdk/tfjs'
import { makeBatch, seededRandom } from './adding-problem.ts'

export type Clipping = { readonly maxNorm: number } | { readonly clipValue: number } | 'none'

export interface Training {
  readonly clipping: Clipping
  /** Seeds the weights and the data, so that the same seed gives the same training. */
  readonly seed: number
  /** Called after every batch. */
  readonly onStep: (readings: Readings) => void
  /** Ends the training early. */
  readonly signal?: AbortSignal
}

export const EPOCHS = 5
export const BATCHES_AN_EPOCH = 120
const LEARNING_RATE = 0.02
const MOMENTUM = 0.9
const SEQUENCES = 32
const LENGTH = 10
const UNITS = 32

/** Trains a small tanh RNN on the adding problem for 5 epochs and reports each batch: loss, norm before clipping, lr. */
export async function train({ clipping, seed, onStep, signal }: Training): Promise<void> {
  await tf.setBackend('cpu')
  const random = seededRandom(seed)
  const model = makeModel(seed)
  const optimizer = tf.train.momentum(LEARNING_RATE, MOMENTUM)
  for (let batch = 0; batch < EPOCHS * BATCHES_AN_EPOCH; batch++) {
    if (signal?.aborted) break
    const { inputs, targets } = makeBatch(random, SEQUENCES, LENGTH)
    const { value, grads } = tf.variableGrads(() => {
      const predicted = model.apply(tf.tensor3d(inputs, [SEQUENCES, LENGTH, 2])) as tf.Tensor
      return tf.mean(tf.squaredDifference(predicted, tf.tensor2d(targets, [SEQUENCES, 1]))) as tf.Scalar
    })
    const clipped = await clip(grads, clipping)
    // the declared type is variables, but applyGradients takes gradients
    optimizer.applyGradients(grads as Parameters<typeof optimizer.applyGradients>[0])
    const [loss] = await value.data()
    onStep({ ...clipped, loss, lr: LEARNING_RATE })
    tf.dispose([value, ...Object.values(grads)])
    // yields to timers and signals: without it, Ctrl-C would wait for the end of the training
    await tf.nextFrame()
  }
  model.dispose()
  optimizer.dispose()
}

async function clip(gradients: tf.NamedTensorMap, clipping: Clipping): Promise<Readings> {
  if (clipping === 'none') return { gradNorm: await globalNorm(gradients) }
  if ('maxNorm' in clipping) return { gradNorm: await clipByGlobalNorm(gradients, clipping.maxNorm) }
  return { ...(await clipByValue(gradients, clipping.clipValue)) }
}

function makeModel(seed: number): layers.Sequential {
  const { glorotUniform, identity } = layers.initializers
  return layers.sequential({
    layers: [
      layers.layers.simpleRNN({
        inputShape: [LENGTH, 2],
        units: UNITS,
        activation: 'tanh',
        kernelInitializer: glorotUniform({ seed }),
        recurrentInitializer: identity({}),
      }),
      layers.layers.dense({ units: 1, kernelInitializer: glorotUniform({ seed: seed + 2 }) }),
    ],
  })
}
