import type { Clip } from '@normwatch/protocol'
import type { Format } from '../../format.ts'
import { capInConfig } from '../../caps/cap-in-line.ts'
import { isLoss, isNorm } from '../../runs/metric-naming.ts'
import { clipOf } from '../../text/console.ts'
import { Entries, hasStep } from '../../text/entries.ts'
import { isObject, parseLooseJson } from '../../text/loose-json.ts'

/**
 * One JSON object a line: mmengine's `scalars.json`, openpi, DETR's `log.txt`, ms-swift's `logging.jsonl`, RLlib's
 * `result.json`, fairseq's json lines, LLaMA-Factory's `trainer_log.jsonl`. Lines without a loss or a norm (evaluation,
 * summaries) are passed over; one that holds settings alone may hold the cap.
 */
export const jsonLines: Format = {
  name: 'json-lines',
  title: 'JSON lines (openpi, mmengine, DETR, ms-swift, RLlib, fairseq, …)',
  score: ({ text }, path) => {
    const entries = text
      .split(/[\r\n]+/)
      .map(objectIn)
      .filter((entry) => entry !== undefined)
    const isLog = (entry: Record<string, unknown>): boolean => {
      const names = Object.keys(entry)
      return (
        (hasStep(entry) || 'epoch' in entry || '_step' in entry) &&
        names.some((name) => isNorm(name) || isLoss(name))
      )
    }
    if (entries.some(isLog)) return 0.8
    if (entries.some(hasStep)) return 0.7
    return /\.jsonl(?:\.gz)?$/.test(path) && entries.length > 0 ? 0.6 : 0
  },
  async read(stream, log) {
    const entries = new Entries(log)
    for await (const lines of stream.lines())
      for (const line of lines) {
        const entry = objectIn(line)
        if (entry === undefined || Array.isArray(entry['log_history'])) continue
        const clip = clipOfLearners(entry)
        if (clip !== undefined) log.cap(clip, 'config.grad_clip in the log')
        const learned = withLearners(entry)
        if (learned !== entry && logsAfterClipping(entry)) log.note(AFTER_CLIPPING)
        if (entries.add(learned)) continue
        const cap = capInConfig(entry)
        if (cap !== undefined) log.cap(cap.clip, `${cap.key} in the log`)
      }
    entries.finish()
  },
}

const AFTER_CLIPPING =
  'RLlib’s older stack logs min(norm, grad_clip): its grad_gnorm is kept as post_norm, the norm after clipping.'

/** Names of a policy's figures in RLlib. */
const LEARNED: Readonly<Record<string, string>> = {
  grad_gnorm: 'grad_norm',
  gradients_default_optimizer_global_norm: 'grad_norm',
  total_loss: 'loss',
  cur_lr: 'lr',
  default_optimizer_learning_rate: 'lr',
}

/**
 * The cap of RLlib's own configuration, which each result repeats: `grad_clip`, where it clips by the global norm. By value, or by
 * the norm of each tensor, it is no cap of the norm that is logged; several policies may each have another. `info.learner` of
 * older versions has none, as its norm is that after clipping.
 */
function clipOfLearners(entry: Record<string, unknown>): Clip | undefined {
  const { config } = entry
  if (!('training_iteration' in entry) || !isObject(config) || !isObject(entry['learners'])) return undefined
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
  if (!('training_iteration' in entry)) return entry
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

/** The JSON object that a line is, or ends with: fairseq writes its own prefix before it. Levanter's has its metrics in an object of their own. */
function objectIn(line: string): Record<string, unknown> | undefined {
  const start = line.indexOf('{')
  const entry = start < 0 ? undefined : parseLooseJson(line.slice(start))
  if (!isObject(entry)) return undefined
  const { tracker, event, step, metrics } = entry
  return tracker === 'json_logger' && event === 'log' && isObject(metrics) ? { ...metrics, step } : entry
}
