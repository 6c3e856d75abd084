import { consoleFormat } from '../../text/console-format.ts'

/** mmcv's and mmengine's console: `Epoch [1][50/1000] lr: 1.0e-04, …, loss: 2.5, grad_norm: 12.1`, `Epoch(train) [1][50/1000] …`, and by steps `Iter(train) [50/80000] …`. */
export const mmengine = consoleFormat({
  name: 'mmengine',
  title: 'mmcv, mmengine, console',
  entry:
    /\b(?:Epoch(?:\(train\))?\s*\[(?<epoch>\d+)\]\[\s*(?<batch>\d+)\/(?<batches>\d+)\]|Iter(?:\(train\))?\s*\[\s*(?<step>\d+)\/\d+\]).*\bloss: /,
  field: /(?:^|[\s,])(lr|base_lr|loss|grad_norm|loss_[a-z_]+): ([^\s,]+)/g,
  names: {},
})
