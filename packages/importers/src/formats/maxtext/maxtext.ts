import { consoleFormat } from '../../text/console-format.ts'

/**
 * MaxText's console: `completed step: 5, seconds: 5.4, TFLOP/s/device: 141.5, Tokens/s/device: 9098.1, total_weights: 196608,
 * loss: 11.379`. It has no gradient norm; forks print `grad_norm`, measured after clipping, beside `raw_grad_norm`.
 */
export const maxtext = consoleFormat({
  name: 'maxtext',
  title: 'MaxText, console (most often no gradient norm)',
  entry: /\bcompleted (?:profiler activation\/deactivation )?step: (?<step>\d+), .{0,400}?\bloss: /,
  field: /(?:^|[\s,])(\w*loss|perplexity|lr|(?:raw_)?grad_norm|Tokens\/s\/device): ([^\s,]+)/g,
  names: { raw_grad_norm: 'grad_norm', grad_norm: 'post_norm' },
})
