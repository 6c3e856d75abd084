import * as tf from '@tensorflow/tfjs-core'
import { checkCap, EPSILON } from './clip.ts'
import { normOf } from './tensor-norm.ts'
import type { Run } from './types.ts'

/** The part of a compiled `tf.LayersModel` that is used here. */
export interface CompiledModel {
  readonly optimizer: tf.Optimizer
}

export interface FitOptions {
  /** Clips the gradients of each batch to this global norm before they are applied; left out, they are measured only. */
  readonly maxNorm?: number | undefined
  /** The step of the first batch; default 0. */
  readonly fromStep?: number | undefined
}

/** What `fit` and `fitDataset` take as `callbacks`. */
export interface FitCallback {
  onTrainBegin(): void
  onBatchEnd(batch: number, logs?: Readonly<Record<string, number>>): Promise<void>
  onEpochEnd(epoch: number, logs?: Readonly<Record<string, number>>): void
  onTrainEnd(): void
}

/** What the logs of a batch hold besides metrics. */
const NO_METRICS = new Set(['batch', 'size'])

/**
 * A callback for `model.fit` and `model.fitDataset`: logs the gradients' global L2 norm before clipping, the loss and the
 * metrics of every batch as a step, and what an epoch validated (`val_…`) at its last step. The norm is taken where the
 * model's optimizer applies the gradients; after `fit` the optimizer is as it was. Throws `TypeError` for a `maxNorm` that is
 * not above 0.
 */
export function fitCallback(
  run: Pick<Run, 'log'>,
  model: CompiledModel,
  { maxNorm, fromStep = 0 }: FitOptions = {},
): FitCallback {
  if (maxNorm !== undefined) checkCap('fitCallback', 'maxNorm', maxNorm)
  let step = fromStep - 1
  let norm: tf.Tensor | undefined
  let restore = () => {}

  function measureAndApply(
    apply: tf.Optimizer['applyGradients'],
    given: Parameters<tf.Optimizer['applyGradients']>[0],
  ): void {
    const named = Array.isArray(given)
      ? given
      : Object.entries(given).map(([name, tensor]) => ({ name, tensor }))
    const present = named.filter(({ tensor }) => (tensor as tf.Tensor | null) !== null)
    tf.tidy(() => {
      norm?.dispose()
      norm = tf.keep(normOf(present.map(({ tensor }) => tensor)))
      if (maxNorm === undefined) return apply(present)
      const coefficient = tf.minimum(1, tf.div(maxNorm, tf.add(norm, EPSILON)))
      apply(present.map(({ name, tensor }) => ({ name, tensor: tf.mul(tensor, coefficient) })))
    })
  }

  return {
    onTrainBegin() {
      restore() // a fit that threw has not ended
      const { optimizer } = model
      const apply = optimizer.applyGradients.bind(optimizer)
      optimizer.applyGradients = (given) => measureAndApply(apply, given)
      // the method of its class is visible again
      restore = () => void delete (optimizer as Partial<tf.Optimizer>).applyGradients
    },
    async onBatchEnd(_batch, logs = {}) {
      step++
      const measured = norm
      norm = undefined
      const gradNorm = (await measured?.data())?.[0]
      measured?.dispose()
      run.log({ step, gradNorm, ...metricsOf(logs) })
    },
    onEpochEnd(_epoch, logs = {}) {
      const validated = Object.entries(logs).filter(([name]) => name.startsWith('val_'))
      if (validated.length > 0 && step >= 0) run.log({ step, ...Object.fromEntries(validated) })
    },
    onTrainEnd() {
      restore()
      norm?.dispose()
      norm = undefined
    },
  }
}

function metricsOf(logs: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(logs).filter(([name]) => !NO_METRICS.has(name)))
}
