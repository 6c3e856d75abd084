import '@tensorflow/tfjs-backend-cpu'
import * as tf from '@tensorflow/tfjs-core'
import { layers, sequential, type Sequential } from '@tensorflow/tfjs-layers'
import { beforeAll, describe, expect, it } from 'vitest'
import { fitCallback } from './tfjs.ts'
import type { Readings } from './types.ts'

beforeAll(() => tf.setBackend('cpu'))

/** y = w x without a bias, with squared error. The gradient of a batch is 2 mean(x (w x - y)). */
function makeModel(): Sequential {
  const model = sequential()
  model.add(layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'zeros' }))
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', metrics: ['mae'] })
  return model
}
const xs = [1, 2, 3, 4]
const ys = xs.map((x) => 3 * x)

/** Weight and gradient norm of each step of the same training, computed here. */
function byHand(steps: number, maxNorm = Infinity): { norms: number[]; weight: number } {
  let weight = 0
  const norms: number[] = []
  for (let step = 0; step < steps; step++) {
    const [from, to] = step % 2 === 0 ? [0, 2] : [2, 4]
    const products = xs.slice(from, to).map((x, i) => 2 * x * (weight * x - (ys[from + i] as number)))
    const gradient = products.reduce((sum, one) => sum + one, 0) / 2
    norms.push(Math.abs(gradient))
    weight -= 0.1 * gradient * Math.min(1, maxNorm / (Math.abs(gradient) + 1e-6))
  }
  return { norms, weight }
}

async function fit(model: Sequential, options: Parameters<typeof fitCallback>[2] = {}, validate = false) {
  const logged: Readings[] = []
  const [x, y] = [tf.tensor2d(xs, [4, 1]), tf.tensor2d(ys, [4, 1])]
  const callbacks = fitCallback({ log: (readings) => void logged.push(readings) }, model, options)
  const validation = validate ? { validationData: [x, y] as [tf.Tensor, tf.Tensor] } : {}
  await model.fit(x, y, { epochs: 3, batchSize: 2, shuffle: false, callbacks, ...validation })
  tf.dispose([x, y])
  return logged
}
const weightOf = (model: Sequential) => model.getWeights()[0]?.dataSync()[0]

describe('the callback for fit', () => {
  it('logs the global norm, the loss and the metrics of each batch, and does not change the training', async () => {
    const [watched, plain] = [makeModel(), makeModel()]
    const logged = await fit(watched)
    const { norms, weight } = byHand(6)
    expect(logged.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5])
    logged.forEach(({ gradNorm }, i) => expect(gradNorm).toBeCloseTo(norms[i] as number, 3))
    expect(Object.keys(logged[0] ?? {})).toEqual(['step', 'gradNorm', 'loss', 'mae'])
    expect(weightOf(watched)).toBeCloseTo(weight, 4)
    const [x, y] = [tf.tensor2d(xs, [4, 1]), tf.tensor2d(ys, [4, 1])]
    await plain.fit(x, y, { epochs: 3, batchSize: 2, shuffle: false })
    expect(weightOf(watched)).toBe(weightOf(plain))
    expect(Object.hasOwn(watched.optimizer, 'applyGradients')).toBe(false)
  })

  it('clips before the optimizer applies the gradients, and logs the norm before clipping', async () => {
    const model = makeModel()
    const logged = await fit(model, { maxNorm: 1, fromStep: 100 })
    const { norms, weight } = byHand(6, 1)
    expect(logged.map(({ step }) => step)).toEqual([100, 101, 102, 103, 104, 105])
    logged.forEach(({ gradNorm }, i) => expect(gradNorm).toBeCloseTo(norms[i] as number, 3))
    expect(weightOf(model)).toBeCloseTo(weight, 4)
    expect(() => fitCallback({ log: () => {} }, model, { maxNorm: 0 })).toThrow(
      'maxNorm must be a number above 0',
    )
    expect(() => fitCallback({ log: () => {} }, model, { max_norm: 1 } as object)).toThrow(
      'did you mean maxNorm?',
    )
  })

  it('logs validation results at the last step of their epoch, and leaks no tensor', async () => {
    const model = makeModel()
    await fit(model, {}, true)
    const before = tf.memory().numTensors
    const logged = await fit(model, { maxNorm: 1 }, true)
    expect(tf.memory().numTensors).toBe(before)
    const validated = logged.filter((readings) => 'val_loss' in readings)
    expect(validated.map(({ step }) => step)).toEqual([1, 3, 5])
    expect(Object.keys(validated[0] ?? {})).toEqual(['step', 'val_loss', 'val_mae'])
  })
})
