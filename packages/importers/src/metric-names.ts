/** What other tools call the metrics that Normwatch knows; the first name of a list that a log has is taken. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  grad_norm: [
    'grad_norm',
    'train/grad_norm',
    'gnorm',
    'train_gnorm',
    'grad norm',
    'gradient_norm',
    'grad/norm',
    'actor/grad_norm',
  ],
  loss: ['loss', 'train/loss', 'train_loss', 'lm loss', 'lm-loss', 'actor/pg_loss'],
  lr: ['lr', 'learning_rate', 'train/learning_rate', 'learning rate', 'train_lr', 'train/lr', 'actor/lr'],
  loss_scale: ['loss_scale', 'loss scale', 'train_loss_scale'],
}

/** Whether a metric is of a validation, not of the step's training. */
export function isOfValidation(name: string): boolean {
  return /^(?:val|eval|test)[-_/]/.test(name)
}

/** Names under which the training step itself is logged, the surest first. */
export const STEP_NAMES = [
  'train/global_step',
  'training/global_step',
  'step',
  'global_step',
  'iteration',
  'iter',
  'num_updates',
  'train_num_updates',
  'current_steps',
] as const

const WELL_KNOWN = new Map(
  Object.entries(ALIASES).flatMap(([ours, theirs]) => theirs.map((name) => [name, ours] as const)),
)

/**
 * The readings of one log entry under Normwatch's names. Where an entry has two norms (actor and critic), the one named
 * first above is `grad_norm` and the others keep their own names.
 */
export function* renamed(entry: ReadonlyMap<string, number>): Generator<readonly [string, number]> {
  const taken = new Map<string, string>()
  for (const [ours, theirs] of Object.entries(ALIASES)) {
    const name = theirs.find((candidate) => entry.has(candidate))
    if (name !== undefined) taken.set(ours, name)
  }
  for (const [name, value] of entry) {
    const ours = WELL_KNOWN.get(name)
    yield [ours !== undefined && taken.get(ours) === name ? ours : name, value]
  }
}
