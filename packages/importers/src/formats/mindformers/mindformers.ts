import { consoleFormat } from '../../text/console-format.ts'

/** MindFormers' console: `{ Epoch:[  1/  1], step:[    3/  100], loss: 10.5, …, lr: 1e-05, …, loss_scale: 1.0, global_norm: [1.2], …`. */
export const mindformers = consoleFormat({
  name: 'mindformers',
  title: 'MindFormers (MindSpore), console',
  entry: /\bEpoch:\[\s*(?<epoch>\d+)\/\s*\d+\], step:\[\s*(?<batch>\d+)\/\s*(?<batches>\d+)\], loss: /,
  field: /(?:^|[\s,])(loss|lr|loss_scale|global_norm): \[?([^\s,\]]+)/g,
  names: { global_norm: 'grad_norm' },
})
