import {
  LAYER_PREFIX,
  MAX_PARTS_PER_RUN,
  MAX_PART_NAME_LENGTH,
  WELL_KNOWN_METRICS,
} from '@normwatch/protocol'
import type { ReadOptions } from '../format.ts'

/** What tools call the metrics that Normwatch knows; the first name of a list that a log has is taken. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  grad_norm: [
    'grad_norm',
    'train/grad_norm',
    'grad_norm_step',
    'grad_2.0_norm_total',
    'grad_norm_total',
    'grad_norm/total',
    'total_grad_norm',
    'train_grad_norm',
    'training/grad_norm',
    'optimizer/grad_norm',
    'global_grad_norm',
    'gnorm',
    'train_gnorm',
    'train/gnorm',
    'grad norm',
    'gradient_norm',
    'grad/norm',
    'grad_norm/all',
    'gradients/global_norm',
    'learning/raw_grad_norm',
    'grad/norm/total',
    'optim/total_grad_norm',
    'optim/total grad norm',
  ],
  loss: [
    'loss',
    'train/loss',
    'train_loss',
    'train_loss_step',
    'training_loss',
    'lm loss',
    'lm-loss',
    'lm_loss',
    'actor/pg_loss',
    'learning/loss',
    'total_loss',
    'train/CrossEntropyLoss',
    'train/CE loss',
  ],
  lr: [
    'lr',
    'learning_rate',
    'train/learning_rate',
    'learning rate',
    'train_lr',
    'train/lr',
    'learning/current_learning_rate',
    'actor/lr',
    'base_lr',
    'optim/lr',
    'optim/learning_rate',
    'optim/learning_rate_group0',
    'optim/LR (group 0)',
    'lr-AdamW',
    'lr-Adam',
    'lr-SGD',
  ],
  loss_scale: ['loss_scale', 'loss scale', 'train_loss_scale', 'train/loss_scale'],
}
const NORM = /grad(?:ient)?s?[ _./-]*(?:\d+(?:\.\d+)?[ _])?norm|(?:^|[/_.])gnorm|norm[ _]grad/i
/** Norms and ratios that are of something else than the gradient. */
const DECOY =
  /ratio|grad[ _]?\/[ _]?param|pred_norm|weight_norm|model_norm|param_norm|clip|coef|_max$|_min$|threshold/i

/** The norm after clipping, by its name in RLlib (`min(norm, grad_clip)`) and Composer, and in MaxText beside the raw one. */
const POST_CLIP = /(?:^|\/)learner_stats\/grad_gnorm$|^l2_norm\/grad\/global$|^post_norm(?:\/|$)/
const MAXTEXT_NORMS = { before: 'learning/raw_grad_norm', after: 'learning/grad_norm' }

/** Under which names a run's metrics are kept, and what that says of its norms. */
export interface Naming {
  readonly final: ReadonlyMap<string, string>
  readonly norm: string | undefined
  readonly otherNorms: readonly string[]
  readonly parts: readonly string[]
}

/**
 * Gives each of a log's metrics its name. One norm is `grad_norm`. Of several, those that name a total are it; else norms
 * of a few parts (actor, critic) become `grad_norm/<part>`, those of weights `layers/<name>`. `share` says whether two
 * metrics have readings in one row: those that never do are one metric under two names.
 */
export function nameMetrics(
  names: readonly string[],
  options: ReadOptions,
  share: (a: string, b: string) => boolean = () => true,
): Naming {
  const final = new Map<string, string>()
  const taken = new Map<string, string>()
  const take = (name: string | undefined, ours: string): void => {
    if (name === undefined || taken.has(ours) || !names.includes(name)) return
    taken.set(ours, name)
    final.set(name, ours)
  }
  for (const [ours, theirs] of Object.entries(options.map ?? {})) if (ours !== 'step') take(theirs, ours)
  take(options.norm, 'grad_norm')
  take(options.postClip, 'post_norm')
  if (names.includes(MAXTEXT_NORMS.before) && !final.has(MAXTEXT_NORMS.after))
    take(MAXTEXT_NORMS.after, 'post_norm')
  const clipped = names.filter(isPostClip)
  if (clipped.length === 1) take(clipped[0], 'post_norm')
  for (const known of WELL_KNOWN_METRICS) if (!final.has(known)) take(known, known)
  for (const [ours, theirs] of Object.entries(NAMES)) {
    const present = theirs.filter((name) => names.includes(name) && !final.has(name))
    take(present[0], ours)
    const first = taken.get(ours)
    for (const name of present)
      if (!final.has(name) && first !== undefined && !share(first, name)) final.set(name, ours)
  }
  const candidates = names.filter(
    (name) => !final.has(name) && !name.startsWith(LAYER_PREFIX) && isNorm(name),
  )
  for (const name of candidates.filter(isOfLayer)) final.set(name, `${LAYER_PREFIX}${layerName(name)}`)
  const open = candidates.filter((name) => !final.has(name))
  const norm = taken.get('grad_norm')
  if (norm !== undefined) return { final, norm, otherNorms: open, parts: [] }
  if (open.length === 1) {
    take(open[0], 'grad_norm')
    return { final, norm: open[0], otherNorms: [], parts: [] }
  }
  if (open.length === 0 || open.length > MAX_PARTS_PER_RUN)
    return { final, norm: undefined, otherNorms: open, parts: [] }
  const parts = partNames(open)
  open.forEach((name, i) => {
    final.set(name, `grad_norm/${parts[i]}`)
    const loss = name.replace(/grad(?:ient)?_norm_/i, '')
    if (loss !== name && names.includes(loss)) final.set(loss, `loss/${parts[i]}`)
  })
  return { final, norm: undefined, otherNorms: [], parts }
}

/** Whether a metric is of a validation, not of the step's training. */
export function isOfValidation(name: string): boolean {
  return /^(?:val|valid|validation|eval|test|mini_val)[-_/]/i.test(name)
}

/** Whether a metric is the training's loss, under one of its usual names. */
export function isLoss(name: string): boolean {
  return (NAMES['loss'] as readonly string[]).includes(name)
}

export function isNorm(name: string): boolean {
  return NORM.test(name) && !DECOY.test(name) && !isOfValidation(name) && !isPostClip(name)
}

/** Whether a metric is the norm after clipping, by its name alone. */
export function isPostClip(name: string): boolean {
  return POST_CLIP.test(name)
}

/** Norms of weights are named by index, as in `grad_norm/layers.3.weight`, or by stream. */
function isOfLayer(name: string): boolean {
  return (
    /\.(?:weight|bias)\b|layers?[._/]\d|blocks?[._/]\d|\bh\.\d|^gradients?\/|^grad\/norm\//.test(name) ||
    /_norm\/.*\.\d+/.test(name)
  )
}

function layerName(name: string): string {
  const bare = name
    .replace(/^(?:train\/)?(?:gradients?|grad_norm|grads|grad\/norm)\//i, '')
    .replace(/^grad_\d+(?:\.\d+)?_norm[/_]/, '')
  return bare === '' ? name : bare
}

/** What distinguishes names: `train/ghas/grad_norm_loss_critic` among its like is `ghas.critic`. */
function partNames(names: readonly string[]): string[] {
  const words = names.map((name) => name.split(/[/_. -]+/))
  const parts = words.map((own) =>
    own.filter((word) => words.some((others) => !others.includes(word))).join('.'),
  )
  return parts.map((part, i) => {
    const isPlain = part !== '' && part.length <= MAX_PART_NAME_LENGTH && parts.indexOf(part) === i
    return isPlain ? part : `${i + 1}`
  })
}
