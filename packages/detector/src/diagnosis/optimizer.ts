import type { Fold } from '../record/fold.ts'

/** How an optimiser answers to a gradient that is scaled: hardly (it divides by its size), or in proportion. */
export type OptimizerFamily = 'adaptive' | 'sgd' | 'unknown'

const ADAPTIVE = /adam|adagrad|adafactor|rmsprop|lamb|lion|nadam|novograd|sophia|shampoo|soap|muon|sign/i
const SGD = /sgd|momentum|nesterov|gradient.?descent/i

export function familyOf({ facts }: Fold): OptimizerFamily {
  const name = facts.optimizer ?? ''
  if (ADAPTIVE.test(name)) return 'adaptive'
  return SGD.test(name) ? 'sgd' : 'unknown'
}
