import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as arrays from './clip.ts'
import { clipByGlobalNorm, clipByValue, globalNorm } from './tfjs.ts'

const element = fc.oneof(
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc.constantFrom(NaN, Infinity, -Infinity, 0),
)
const gradients = fc.array(fc.array(element, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 })

const toTensors = (lists: number[][]) => lists.map((list) => tf.tensor1d(list))
const toArrays = (lists: number[][]) => lists.map((list) => new Float32Array(list))

function expectClose(actual: number, expected: number) {
  if (Number.isFinite(expected))
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(expected)))
  else expect(actual).toBe(expected)
}

/** Expects the tensors to equal the arrays, to float32 precision. */
async function expectSame(tensors: tf.Tensor[], expected: Float32Array[]) {
  for (const [i, tensor] of tensors.entries()) {
    const values = await tensor.data()
    expected[i]?.forEach((value, j) => expectClose(values[j] as number, value))
  }
}

describe('clipping TensorFlow.js gradients', () => {
  it('by global norm equals clipping of typed arrays', async () => {
    await fc.assert(
      fc.asyncProperty(gradients, fc.double({ min: 0.01, max: 100, noNaN: true }), async (lists, cap) => {
        const [tensors, expected] = [toTensors(lists), toArrays(lists)]
        expectClose(await globalNorm(tensors), arrays.globalNorm(expected))
        expectClose(await clipByGlobalNorm(tensors, cap), arrays.clipByGlobalNorm(expected, cap))
        await expectSame(tensors, expected)
        tf.dispose(tensors)
      }),
    )
  })

  it('by value equals clipping of typed arrays', async () => {
    const finite = fc.array(fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1 }), {
      minLength: 1,
    })
    await fc.assert(
      fc.asyncProperty(finite, fc.double({ min: 0.01, max: 100, noNaN: true }), async (lists, cap) => {
        const rounded = Math.fround(cap)
        const [tensors, expected] = [toTensors(lists), toArrays(lists)]
        const [told, toldOfArrays] = [
          await clipByValue(tensors, rounded),
          arrays.clipByValue(expected, rounded),
        ]
        expectClose(told.gradNorm, toldOfArrays.gradNorm)
        expectClose(told.maxAbsGrad, toldOfArrays.maxAbsGrad)
        expect(told.clipFraction).toBeCloseTo(toldOfArrays.clipFraction, 6)
        await expectSame(tensors, expected)
        tf.dispose(tensors)
      }),
    )
  })

  it('replaces the gradients of a map in place, and leaks no tensor', async () => {
    const before = tf.memory().numTensors
    const map: tf.NamedTensorMap = { w: tf.tensor1d([3, 0]), b: tf.scalar(4) }
    expect(await clipByGlobalNorm(map, 1)).toBe(5)
    expect(await globalNorm(map)).toBeCloseTo(1, 5)
    expect(await clipByValue(map, 0.7)).toMatchObject({ clipFraction: 1 / 3 })
    tf.dispose(map)
    expect(tf.memory().numTensors).toBe(before)
    expect(await globalNorm({})).toBe(0)
    expect(await clipByValue([], 1)).toEqual({ gradNorm: 0, maxAbsGrad: 0, clipFraction: 0 })
  })
})
