import { consoleFormat } from '../../text/console-format.ts'

/**
 * open_clip's console: `Train Epoch: 0 [  512/100000 (1%)] … LR: 0.000001 Logit Scale: 14.286 Loss: 6.2383 (6.2383)`, the value, and
 * its average in brackets. PyTorch's examples begin their lines alike. They count samples, and have no gradient norm.
 */
export const openClip = consoleFormat({
  name: 'open-clip',
  title: 'open_clip and examples of PyTorch, console (no gradient norm)',
  firstEpoch: 0,
  entry: /\bTrain Epoch: (?<epoch>\d+) \[\s*(?<batch>\d+)\/(?<batches>\d+) \(/,
  field: /\b(LR|Logit Scale|\w*[lL]oss): +([^\s()]+)/g,
  names: { Loss: 'loss', LR: 'lr' },
  note: 'These lines count samples: they stand for steps.',
})
