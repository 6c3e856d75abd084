import type { Clip } from '@normwatch/protocol'
import type { LogWriter } from '../../format.ts'
import { clipOf } from '../../caps/clip-kind.ts'
import { isObject } from '../../text/loose-json.ts'

const AFTER_CLIPPING =
  'RLlib’s older stack logs min(norm, grad_clip): its grad_gnorm is kept as post_norm, the norm after clipping.'

/** Names of a policy's figures. */
const LEARNED: Readonly<Record<string, string>> = {
  grad_gnorm: 'grad_norm',
  gradients_default_optimizer_global_norm: 'grad_norm',
  total_loss: 'loss',
  cur_lr: 'lr',
  default_optimizer_learning_rate: 'lr',
}

/** A line of an RLlib result with what its policies learned beside its step, and its cap and what is to be said of it to the log; any other line as it is. */
export function readLearners(entry: Record<string, unknown>, log: LogWriter): Record<string, unknown> {
  if (!('training_iteration' in entry)) return entry
  const clip = clipOfLearners(entry)
  if (clip !== undefined) log.cap(clip, 'config.grad_clip in the log')
  const learned = withLearners(entry)
  if (learned !== entry && logsAfterClipping(entry)) log.note(AFTER_CLIPPING)
  return learned
}

/**
 * The cap of RLlib's own configuration, which each result repeats: `grad_clip`, where it clips by the global norm. By value, or by
 * the norm of each tensor, it is no cap of the norm that is logged; several policies may each have another. `info.learner` of
 * older versions has none, as its norm is that after clipping.
 */
function clipOfLearners(entry: Record<string, unknown>): Clip | undefined {
  const { config } = entry
  if (!isObject(config) || !isObject(entry['learners'])) return undefined
  const { grad_clip: cap, grad_clip_by: by = 'global_norm', policies } = config
  const hasSeveral = isObject(policies) && Object.keys(policies).length > 1
  if (typeof cap !== 'number' || by !== 'global_norm' || hasSeveral) return undefined
  return clipOf(cap)
}

/** Whether `grad_gnorm` of RLlib's older stack is the norm after clipping: with a `grad_clip` it is `min(norm, grad_clip)`. */
function logsAfterClipping({ config, info }: Record<string, unknown>): boolean {
  return isObject(info) && isObject(config) && typeof config['grad_clip'] === 'number'
}

/** RLlib keeps the figures of each policy deep within its result: they are put beside the step, one policy's under the usual names. */
function withLearners(entry: Record<string, unknown>): Record<string, unknown> {
  const info = entry['info']
  const learners = isObject(info) ? info['learner'] : entry['learners']
  if (!isObject(learners)) return entry
  const policies = Object.entries(learners).filter(([name]) => !name.startsWith('__'))
  const names = logsAfterClipping(entry) ? { ...LEARNED, grad_gnorm: 'post_norm' } : LEARNED
  const found: Record<string, unknown> = {}
  for (const [policy, figures] of policies) {
    if (!isObject(figures)) continue
    const stats = isObject(figures['learner_stats']) ? figures['learner_stats'] : figures
    for (const [name, ours] of Object.entries(names))
      if (stats[name] !== undefined) found[policies.length === 1 ? ours : `${ours}/${policy}`] = stats[name]
  }
  return { ...entry, ...found }
}
