import { consoleFormat } from '../../text/console-format.ts'

/** fairseq's console without JSON: `epoch 001: 100 / 1000 loss=9.5, …, num_updates=100, lr=1e-05, gnorm=2.5, clip=0`. */
export const fairseq = consoleFormat({
  name: 'fairseq',
  title: 'fairseq, console',
  entry: /\bepoch \d+.*\bnum_updates[= ](?<step>\d+)/,
  field: /(?:^|[\s,|])(loss|lr|gnorm|loss_scale|clip)[= ]([^\s,|]+)/g,
  names: { gnorm: 'grad_norm', clip: 'clip_percent' },
})
