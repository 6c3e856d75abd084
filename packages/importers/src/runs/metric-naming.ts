import { LAYER_PREFIX, MAX_PARTS_PER_RUN, WELL_KNOWN_METRICS, partMetric } from '@normwatch/protocol'
import type { ReadOptions } from '../format.ts'
import { groupsOf, partNames, readNorms, type NormGroup } from './norm-groups.ts'

export { isNorm, isOfValidation } from './norm-name.ts'

/** What tools call the metrics that Normwatch knows; the first name of a list that a log has is taken. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
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
  ],
  loss_scale: ['loss_scale', 'loss scale', 'train_loss_scale', 'train/loss_scale'],
}
/** The learning rate by the name of its optimizer, as Lightning's LearningRateMonitor has it: `lr-AdamW`, `lr-SGD/pg1`. */
const LR_OF_OPTIMIZER = /^lr-[A-Za-z][\w.]*(?:-\d+)?(?:\/pg\d+)?$/

/** Under which names a run's metrics are kept, and what that says of its norms. */
export interface Naming {
  readonly final: ReadonlyMap<string, string>
  readonly norm: string | undefined
  /** Norms that are kept and not judged. */
  readonly otherNorms: readonly string[]
  /** Metrics that speak of the gradient norm and are not taken for one. */
  readonly rejected: readonly string[]
  readonly parts: readonly string[]
  /** The metric that holds the cap of each step. */
  readonly capOfSteps: string | undefined
}

/**
 * Gives each of a log's metrics its name. The norm of the whole is `grad_norm`; without one, norms of a few parts (actor, critic)
 * become `grad_norm/<part>`. Norms of weights become `layers/<name>`. `share` says whether two metrics have readings in one row:
 * those that never do are one metric under two names.
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
  const takeFirst = (candidates: readonly string[], ours: string): void => {
    const open = candidates.filter((name) => !final.has(name))
    take(open[0], ours)
    const first = taken.get(ours)
    for (const name of open)
      if (!final.has(name) && first !== undefined && !share(first, name)) final.set(name, ours)
  }
  const takeGroup = ({ norms, besides, after }: NormGroup, part = ''): void => {
    if (!isChosen) takeFirst(norms, `grad_norm${part}`)
    const [beside] = besides.filter((name) => !final.has(name))
    take(after.length === 1 ? after[0] : beside, `post_norm${part}`)
  }
  for (const [ours, theirs] of Object.entries(options.map ?? {})) if (ours !== 'step') take(theirs, ours)
  take(options.norm, 'grad_norm')
  take(options.postClip, 'post_norm')
  const isChosen = taken.has('grad_norm')
  for (const known of WELL_KNOWN_METRICS) if (known !== 'grad_norm' && !final.has(known)) take(known, known)
  for (const [ours, theirs] of Object.entries(NAMES))
    takeFirst(
      theirs.filter((name) => names.includes(name)),
      ours,
    )
  take(
    names.find((name) => LR_OF_OPTIMIZER.test(name)),
    'lr',
  )
  const found = readNorms(names)
  const capOfSteps = found.find(({ role, name }) => role === 'cap' && !final.has(name))?.name
  take(capOfSteps, 'max_norm')
  for (const { name, role } of found)
    if (role === 'layer' && !final.has(name)) final.set(name, `${LAYER_PREFIX}${layerName(name)}`)
  const { whole, ofParts } = groupsOf(
    found.filter(({ name }) => !final.has(name) || final.get(name) === 'grad_norm'),
  )
  const parts: string[] = []
  const [only, ...more] = ofParts
  if (isChosen || whole.norms.length > 0 || only === undefined) takeGroup(whole)
  else if (more.length === 0) takeGroup(only)
  else if (ofParts.length <= MAX_PARTS_PER_RUN) {
    parts.push(...partNames(ofParts.map(({ norms }) => norms[0] as string)))
    ofParts.forEach((group, i) => {
      takeGroup(group, `/${parts[i]}`)
      const loss = group.norms[0]?.replace(/grad(?:ient)?_norm_/i, '') as string
      if (loss !== group.norms[0] && names.includes(loss)) final.set(loss, `loss/${parts[i]}`)
    })
  }
  const open = found.filter(({ name }) => !final.has(name))
  for (const { name, role } of open) {
    const named = partMetric(name)
    if (named?.metric !== 'grad_norm') continue
    // the server judges what is called so as a part, which a statistic is not
    if (role === 'norm') parts.push(named.part)
    else final.set(name, name.replaceAll('/', '_'))
  }
  const isJudged = (name: string): boolean => partMetric(name)?.metric === 'grad_norm'
  return {
    final,
    norm: taken.get('grad_norm'),
    otherNorms: open
      .filter(({ name, role }) => (role === 'norm' && !isJudged(name)) || role === 'before')
      .map(({ name }) => name),
    rejected: open.filter(({ role }) => role === 'statistic' || role === 'after').map(({ name }) => name),
    parts,
    capOfSteps,
  }
}

/** Whether a metric is the training's loss, under one of its usual names. */
export function isLoss(name: string): boolean {
  return (NAMES['loss'] as readonly string[]).includes(name)
}

/** Whether a metric is the learning rate or the loss scale: a row of its own with one joins its step. */
export function isOfOptimizer(name: string): boolean {
  return (
    LR_OF_OPTIMIZER.test(name) || ['lr', 'loss_scale'].some((ours) => NAMES[ours]?.includes(name) === true)
  )
}

function layerName(name: string): string {
  const bare = name
    .replace(/^(?:train\/)?(?:gradients?|grad_norm|grads|grad\/norm)\//i, '')
    .replace(/^grad_\d+(?:\.\d+)?_norm[/_]/, '')
  return bare === '' ? name : bare
}
