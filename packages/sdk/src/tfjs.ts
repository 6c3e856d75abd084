import * as tf from '@tensorflow/tfjs-core'
import { checkCap, EPSILON, type ClippedByValue } from './clip.ts'
import { normOf } from './tensor-norm.ts'

export { fitCallback, type CompiledModel, type FitCallback, type FitOptions } from './fit.ts'

/** Gradients as `tf.variableGrads` or `tf.grads` return them. The clip functions replace the tensors in the map or list. */
export type TensorGradients = tf.NamedTensorMap | tf.Tensor[]

/** Global L2 norm of all gradients, computed in float32. Reads one scalar back from the device. */
export async function globalNorm(gradients: TensorGradients): Promise<number> {
  checkList('globalNorm', gradients)
  return read(tf.tidy(() => normOf(Object.values(gradients))))
}

/**
 * Scales the gradients so that their global norm is at most `maxNorm`, and resolves to the norm before clipping, like
 * `clipByGlobalNorm` of the main entry. The given tensors are disposed of and replaced in the map or list.
 */
export async function clipByGlobalNorm(gradients: TensorGradients, maxNorm: number): Promise<number> {
  checkCap('clipByGlobalNorm', 'maxNorm', maxNorm)
  checkList('clipByGlobalNorm', gradients)
  const norm = tf.tidy(() => {
    const before = normOf(Object.values(gradients))
    const coefficient = tf.minimum(1, tf.div(maxNorm, tf.add(before, EPSILON)))
    replaceEach(gradients, (gradient) => tf.mul(gradient, coefficient))
    return before
  })
  return read(norm)
}

/** Clamps every element to [-clipValue, clipValue] and resolves to what to log, like `clipByValue` of the main entry. */
export async function clipByValue(gradients: TensorGradients, clipValue: number): Promise<ClippedByValue> {
  checkCap('clipByValue', 'clipValue', clipValue)
  checkList('clipByValue', gradients)
  const elements = Object.values(gradients).reduce((sum, { size }) => sum + size, 0)
  const measured = tf.tidy(() => {
    const all = Object.values(gradients)
    const largest = all.map((gradient) => tf.max(tf.abs(gradient)))
    const clamped = all.map((gradient) => tf.sum(tf.cast(tf.greater(tf.abs(gradient), clipValue), 'float32')))
    const figures = [
      normOf(Object.values(gradients)),
      all.length === 0 ? tf.scalar(0) : tf.max(tf.stack(largest)),
      all.length === 0 ? tf.scalar(0) : tf.addN(clamped),
    ]
    replaceEach(gradients, (gradient) => tf.clipByValue(gradient, -clipValue, clipValue))
    return tf.stack(figures)
  })
  const [gradNorm = 0, maxAbsGrad = 0, clamped = 0] = await measured.data()
  measured.dispose()
  return { gradNorm, maxAbsGrad, clipFraction: elements === 0 ? 0 : clamped / elements }
}

/** Throws `TypeError` if a single tensor was given instead of a list or map of tensors. */
function checkList(call: string, gradients: TensorGradients): void {
  if (Object.values(gradients).every((one) => one instanceof tf.Tensor)) return
  throw new TypeError(
    `${call}: gradients must be a map or list of tensors; for a single one write [gradient]`,
  )
}

function replaceEach(gradients: TensorGradients, change: (gradient: tf.Tensor) => tf.Tensor): void {
  const map = gradients as Record<string, tf.Tensor>
  for (const [name, gradient] of Object.entries(map)) {
    map[name] = tf.keep(change(gradient))
    gradient.dispose()
  }
}

async function read(scalar: tf.Tensor): Promise<number> {
  const [value = NaN] = await scalar.data()
  scalar.dispose()
  return value
}
