import { consoleFormat } from '../../text/console-format.ts'

/** timm's console: `Train: 0 [  50/1251 (  4%)]  Loss: 6.95 (6.94)  …  LR: 1.000e-06  Grad norm: 2.3 (2.2)`: the value, and its average in brackets. */
export const timm = consoleFormat({
  name: 'timm',
  title: 'timm, console',
  firstEpoch: 0,
  entry: /\bTrain: (?<epoch>\d+) \[\s*(?<batch>\d+)\/(?<batches>\d+) /,
  field: /(?:^|\s)(Loss|LR|Grad norm|grad_norm): ([^\s()]+)/g,
  names: { Loss: 'loss', LR: 'lr', 'Grad norm': 'grad_norm' },
})
