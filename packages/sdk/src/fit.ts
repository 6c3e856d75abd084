import * as tf from '@tensorflow/tfjs-core'
import { EPSILON } from './clip.ts'
import { CAP, readOptions, STEP, type Rules } from './options.ts'
import { normOf } from './tensor-norm.ts'
import type { Run } from './types.ts'

/** What this module needs of a compiled `tf.LayersModel`. */
export interface CompiledModel {
  readonly optimizer: tf.Optimizer
}

export interface FitOptions {
  /** Clips the gradients of each batch to this global norm before they are applied. If left out, they are only measured. */
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

const RULES: Rules<FitOptions> = { maxNorm: CAP, fromStep: STEP }

/** Entries in a batch's logs that are not metrics. */
const NO_METRICS = new Set(['batch', 'size'])

/**
 * A callback for `model.fit` and `model.fitDataset`. Every batch is a step with the gradients' global L2 norm before clipping,
 * the loss and the metrics. Validation results of an epoch (`val_…`) are logged at its last step. To measure the norm, it
 * wraps the optimizer's `applyGradients` during `fit` and restores it afterwards. Throws `TypeError` for an invalid option.
 */
export function fitCallback(
  run: Pick<Run, 'log'>,
  model: CompiledModel,
  options: FitOptions = {},
): FitCallback {
  // a misspelt maxNorm would leave the gradients unclipped
  const { maxNorm, fromStep = 0 } = readOptions(options, RULES, (option, reason) => {
    throw new TypeError(`fitCallback: ${option} ${reason}`)
  })
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
      restore() // an earlier fit that threw did not restore the optimizer
      const { optimizer } = model
      const apply = optimizer.applyGradients.bind(optimizer)
      optimizer.applyGradients = (given) => measureAndApply(apply, given)
      // removing our own property makes the method of the class visible again
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
