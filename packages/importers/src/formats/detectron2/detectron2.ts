import { consoleFormat } from '../../text/console-format.ts'

/** Detectron2's console: `eta: 0:10:00  iter: 19  total_loss: 5.1  …  grad_norm: 3.1  lr: 0.0002`. */
export const detectron2 = consoleFormat({
  name: 'detectron2',
  title: 'Detectron2, console',
  entry: /\biter: (?<step>\d+)\s+total_loss: /,
  field: /(?:^|\s)(total_loss|loss_[a-z_]+|grad_norm|lr): (\S+)/g,
  names: { total_loss: 'loss' },
})
