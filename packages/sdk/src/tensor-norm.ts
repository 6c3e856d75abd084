import * as tf from '@tensorflow/tfjs-core'

/** Global L2 norm of all tensors, as a scalar tensor; 0 if there are none. Call it inside `tf.tidy`. */
export function normOf(tensors: readonly tf.Tensor[]): tf.Tensor {
  const squares = tensors.map((tensor) => tf.sum(tf.square(tensor)))
  return squares.length === 0 ? tf.scalar(0) : tf.sqrt(tf.addN(squares))
}
