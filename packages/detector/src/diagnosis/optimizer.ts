import type { Fold } from '../record/fold.ts'

/** How an optimiser reacts to a scaled gradient: hardly (it divides by the gradient's size), or in proportion. */
export type OptimizerFamily = 'adaptive' | 'sgd' | 'unknown'

const ADAPTIVE = /adam|adagrad|adafactor|rmsprop|lamb|lion|nadam|novograd|sophia|shampoo|soap|muon|sign/i
const SGD = /sgd|momentum|nesterov|gradient.?descent/i

export function familyOf({ facts }: Fold): OptimizerFamily {
  const name = facts.optimizer ?? ''
  if (ADAPTIVE.test(name)) return 'adaptive'
  return SGD.test(name) ? 'sgd' : 'unknown'
}
