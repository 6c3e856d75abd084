import { consoleFormat } from '../../text/console-format.ts'

/** LitGPT's console: `Epoch 1 | iter 4 step 2 | loss train: 10.976, val: n/a | iter time: 800.10 ms`. It has no gradient norm. */
export const litgpt = consoleFormat({
  name: 'litgpt',
  title: 'LitGPT, console (no gradient norm)',
  entry: /^Epoch \d+ \| iter (?<step>\d+) step \d+ \| loss train: /,
  field: /\b(loss train): ([^\s,]+)/g,
  names: { 'loss train': 'loss' },
  note: 'LitGPT’s iterations stand for steps: with gradient accumulation several of them make an optimizer step.',
})
