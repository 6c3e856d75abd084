import * as tf from '@tensorflow/tfjs-core'

/** Global L2 norm of all tensors, a scalar; 0 without any. To be called inside `tf.tidy`. */
export function normOf(tensors: readonly tf.Tensor[]): tf.Tensor {
  const squares = tensors.map((tensor) => tf.sum(tf.square(tensor)))
  return squares.length === 0 ? tf.scalar(0) : tf.sqrt(tf.addN(squares))
}
