import { consoleFormat } from '../../text/console-format.ts'

/** nanotron's console: `iteration: 3 / 100 | consumed_tokens: 786K | lm_loss: 10.5 | lr: 3E-05 | grad_norm: 1.2 | …`. */
export const nanotron = consoleFormat({
  name: 'nanotron',
  title: 'nanotron, console',
  entry: /\biteration:\s*(?<step>[\d,]+)\s*\/\s*[\d,]+\s*\|.*\blm_loss:/,
  field: /\|\s*(lm_loss|lr|grad_norm):\s*([^\s|]+)/g,
  names: { lm_loss: 'loss' },
})
