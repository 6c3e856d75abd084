import { consoleFormat } from '../../text/console-format.ts'

/** prime-rl's trainer: `Step 3 | 12.34s | Loss 0.0123 | Entropy 0.5 | Grad. Norm 0.1250 | LR 1.00e-06 | Throughput 12000 tokens/s`; a colon after each name in older ones. */
export const primeRl = consoleFormat({
  name: 'prime-rl',
  title: 'prime-rl, console of its trainer',
  entry: /\bStep (?<step>\d+) \| [^|]{0,40}\| Loss:? \S+ \|/,
  field: / \| (Loss|Entropy|Mismatch KL|Grad\. Norm|LR|Throughput):? ([^\s|]+)/g,
  names: { Loss: 'loss', 'Grad. Norm': 'grad_norm', LR: 'lr' },
})
