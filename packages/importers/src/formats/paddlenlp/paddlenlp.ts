import { consoleFormat } from '../../text/console-format.ts'

/** PaddleNLP's console: `loss: 10.5, learning_rate: 3e-07, global_step: 1, …, grad_norm: 1.2, progress_or_epoch: 0.01`. */
export const paddlenlp = consoleFormat({
  name: 'paddlenlp',
  title: 'PaddleNLP, console',
  entry: /\bloss: \S+, .*\bglobal_step: (?<step>\d+)/,
  field: /(?:^|[\s,])(loss|learning_rate|grad_norm|loss_scale): ([^\s,]+)/g,
  names: { learning_rate: 'lr' },
})
