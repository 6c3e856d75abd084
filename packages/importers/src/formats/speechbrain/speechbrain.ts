import { consoleFormat } from '../../text/console-format.ts'

/** SpeechBrain's `train_log.txt` and console, a line an epoch: `epoch: 1, lr: 1.00e+00 - train loss: 2.50 - valid loss: 1.50`. It has no gradient norm. */
export const speechbrain = consoleFormat({
  name: 'speechbrain',
  title: 'SpeechBrain, train_log.txt and console (no gradient norm)',
  entry: /\bepoch: (?<step>\d+)\b.{0,1000}? - train loss: /i,
  field: /(?:^|[\s,])(train loss|lr): ([^\s,]+)/g,
  names: { 'train loss': 'loss' },
  note: 'This log counts epochs: they stand in for steps.',
})
