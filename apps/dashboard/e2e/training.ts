/** Columns of a training: `count` steps from `from` on, with a norm each. */
export function steps(count: number, norm: (step: number) => number | string, from = 0) {
  const step = Array.from({ length: count }, (_, i) => from + i)
  return {
    step,
    grad_norm: step.map(norm),
    loss: step.map((at) => 2 + Math.exp(-at / 500)),
    lr: step.map(() => 0.001),
  }
}

/** A norm that stays below a cap of 1, with a little movement. */
export const quiet = (step: number) => 0.4 + 0.1 * Math.sin(step / 7)
/** A norm that stays above a cap of 1. */
export const high = (step: number) => 4 + Math.sin(step / 7)
