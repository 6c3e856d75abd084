import { consoleFormat } from '../../text/console-format.ts'

/** nanoGPT's console: `iter 10: loss 3.2041, time 52.10ms, mfu 3.00%`. It has no gradient norm. */
export const nanogpt = consoleFormat({
  name: 'nanogpt',
  title: 'nanoGPT, console (no gradient norm)',
  entry: /^iter (?<step>\d+): loss \S+, time /,
  field: /\b(loss|grad_norm|lr) ([^\s,]+)/g,
  names: {},
})
